/** What a snapshot tells of the cluster it was taken from. */
export interface SnapshotOrigin {
  /** The newest revision in the file. */
  readonly revision: number;
  /** From the manifest; a bare file does not say. */
  readonly clusterId?: string;
  /** From the file; etcd 3.4 leaves them out of what its tool restored. */
  readonly memberIds: readonly string[];
}

export interface LivingCluster {
  readonly clusterId: string;
  readonly memberIds: readonly string[];
  readonly revision: number;
}

/** Whether revisions of both count the same history, and where not, why. */
export type Lineage = { readonly comparable: true } | { readonly comparable: false; readonly why: string };

/**
 * A restore gives a cluster a new ID, and new IDs to its members, when it is given a new token; the cluster then counts
 * its own revisions. What lags behind the snapshot is no descendant of it either, whatever it is called.
 */
export function lineageOf(snapshot: SnapshotOrigin, cluster: LivingCluster): Lineage {
  const stranger = strangerOf(snapshot, cluster);
  if (stranger !== undefined) return { comparable: false, why: stranger };
  if (cluster.revision < snapshot.revision) {
    return {
      comparable: false,
      why: `the cluster is at revision ${cluster.revision}, behind the snapshot's ${snapshot.revision}`,
    };
  }
  return { comparable: true };
}

function strangerOf(snapshot: SnapshotOrigin, cluster: LivingCluster): string | undefined {
  if (snapshot.clusterId !== undefined) {
    return snapshot.clusterId === cluster.clusterId
      ? undefined
      : `the snapshot is of cluster ${snapshot.clusterId}`;
  }
  if (snapshot.memberIds.length === 0) return 'the file does not say of which cluster it is';
  const isKnown = snapshot.memberIds.some((id) => cluster.memberIds.includes(id));
  return isKnown ? undefined : 'no member that the file knows is in this cluster';
}
