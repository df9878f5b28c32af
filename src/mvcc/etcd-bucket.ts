import { AgentError } from '../base/agent-error.ts';
import { findBucket, rootBucket, type Bucket } from '../bbolt/bucket.ts';
import type { PageFile } from '../bbolt/page-file.ts';

/**
 * A bucket that every database of etcd has.
 *
 * @throws {AgentError} `SNAPSHOT_NOT_A_DATABASE` when there is none; what `findBucket` throws.
 */
export function etcdBucket(file: PageFile, name: 'key' | 'meta'): Bucket {
  const bucket = findBucket(rootBucket(file), name);
  if (bucket !== undefined) return bucket;
  throw new AgentError('SNAPSHOT_NOT_A_DATABASE', `it has no bucket "${name}", so etcd did not write it`);
}
