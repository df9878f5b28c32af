import { readMembers } from '../restore/cluster-reads.ts';
import type { AgentParts } from './agent-parts.ts';

const LOOK_EVERY_MS = 15_000;
/** Until the member was seen once, so that a host that dies young is known too. */
const LOOK_FIRST_MS = 1000;

/** Remembers which cluster the member is in, for the day when it can no longer be asked. */
export async function watchCluster(
  { etcd, lineage, operations, clock }: Pick<AgentParts, 'etcd' | 'lineage' | 'operations' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // During an operation the member may be either cluster's; the finish writes which it is.
    const seen =
      operations.active === undefined ? await readMembers(etcd, signal).catch(() => undefined) : undefined;
    if (seen !== undefined && operations.active === undefined) {
      await lineage.sawCluster(seen.clusterId, seen.members);
    }
    const waitMs = lineage.record.clusterId === undefined ? LOOK_FIRST_MS : LOOK_EVERY_MS;
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
}
