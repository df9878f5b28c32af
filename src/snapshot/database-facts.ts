import { openPageFile } from '../bbolt/page-file.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { readKeyspaceFacts } from '../mvcc/keyspace-facts.ts';

/** What the file itself says, in the manifest's words. */
export type DatabaseFacts = Pick<
  SnapshotManifest,
  | 'revision'
  | 'compactRevision'
  | 'consistentIndex'
  | 'alarms'
  | 'leaseCount'
  | 'authEnabled'
  | 'storageVersion'
  | 'clusterVersion'
>;

/**
 * Reads revision, alarms and the like out of a database file; a trailer after its last page does not matter.
 *
 * @throws {AgentError} `SNAPSHOT_NOT_A_DATABASE` or `SNAPSHOT_DAMAGED`.
 */
export function readDatabaseFacts(path: string): DatabaseFacts {
  const file = openPageFile(path);
  try {
    const facts = readKeyspaceFacts(file);
    return {
      revision: facts.revision,
      compactRevision: facts.compactRevision,
      alarms: [...facts.alarms],
      authEnabled: facts.authEnabled,
      ...(facts.consistentIndex === undefined ? {} : { consistentIndex: facts.consistentIndex }),
      ...(facts.leaseCount === undefined ? {} : { leaseCount: facts.leaseCount }),
      ...(facts.storageVersion === undefined ? {} : { storageVersion: facts.storageVersion }),
      ...(facts.clusterVersion === undefined ? {} : { clusterVersion: facts.clusterVersion }),
    };
  } finally {
    file.close();
  }
}
