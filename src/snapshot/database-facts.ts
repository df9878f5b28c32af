import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { KeyspaceFacts } from '../mvcc/keyspace-facts.ts';
import type { SoundKeyspace } from './judge-structure.ts';

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

export function databaseFacts(facts: KeyspaceFacts): DatabaseFacts {
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
}

/** Everything that a walk through the whole file tells. */
export type ProvedFacts = DatabaseFacts & Required<Pick<SnapshotManifest, 'keyCount' | 'hashKv'>>;

export function provedFacts({ facts, keyCount, hashKv }: SoundKeyspace): ProvedFacts {
  return { ...databaseFacts(facts), keyCount, hashKv };
}
