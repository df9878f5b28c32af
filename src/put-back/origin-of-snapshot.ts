import type { PageFile } from '../bbolt/page-file.ts';
import { readKeyspaceFacts } from '../mvcc/keyspace-facts.ts';
import { readMembership } from '../mvcc/membership.ts';
import type { SnapshotOrigin } from './lineage.ts';

/**
 * Of which cluster a snapshot is, as far as the file tells.
 *
 * @param clusterId - What its manifest says, if it has one.
 * @throws {AgentError} As `readKeyspaceFacts` and `readMembership`.
 */
export function originOfSnapshot(file: PageFile, clusterId: string | undefined): SnapshotOrigin {
  const { revision } = readKeyspaceFacts(file);
  return {
    revision,
    memberIds: readMembership(file).members.map(({ id }) => id),
    ...(clusterId === undefined ? {} : { clusterId }),
  };
}
