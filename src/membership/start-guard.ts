import { join } from 'node:path';
import { pathExists } from '../base/path-exists.ts';
import type { LineageRecord } from '../formats/generation.ts';
import { localIdentity, type DataPlaces } from './local-identity.ts';
import { hasWalLink } from './wal-link.ts';

interface StartGuard {
  readonly places: DataPlaces;
  readonly stateDir: string;
  readonly lineage: Pick<LineageRecord, 'clusterId' | 'generations'>;
  /** An operation or a rejoin starts it, and knows better what must be there. */
  readonly isHeld: () => Promise<boolean>;
}

/**
 * Why etcd must not be started on what is in its data directory now; `undefined` when it may. A host whose member was seen in
 * a cluster has a member directory, or it lost its data. Once an operation has touched the host, the data must also be whole
 * and of a cluster that is known here.
 */
export async function whyNotToStart({
  places,
  stateDir,
  lineage,
  isHeld,
}: StartGuard): Promise<string | undefined> {
  const { clusterId, generations } = lineage;
  const member = join(places.dataDir, 'member');
  const isTouched = await hasWalLink(stateDir);
  if (!(await pathExists(member))) {
    if (clusterId !== undefined) return `${member} is gone, and this host was in cluster ${clusterId}`;
    return isTouched ? `${member} is gone, and an operation has touched this host` : undefined;
  }
  if (!isTouched || (await isHeld())) return undefined;
  if (!(await pathExists(join(member, 'snap', 'db')))) return `${member} is not whole: it has no snap/db`;
  const identity = await localIdentity(places, new AbortController().signal);
  if (identity === undefined) return `the log of ${member} does not say whose data it is`;
  const known = [clusterId, ...generations.flatMap((one) => [one.clusterId, one.parentClusterId])];
  if (known.includes(identity.clusterId)) return undefined;
  return `${member} is of cluster ${identity.clusterId}, which is not known here: this host was in cluster ${clusterId ?? 'none'}`;
}
