import { formatBytes } from '../base/units.ts';
import type { HostFacts } from '../formats/host-facts.ts';
import type { PlanDecision, PlanRehearsal } from '../formats/restore-plan.ts';
import type { Candidate } from './choose-snapshot.ts';
import { WAL_BYTES } from './plan-guards.ts';
import type { PlanWish } from './plan-wish.ts';

/** What a host tells of whether it can rehearse. */
type Seen = Pick<HostFacts, 'agent' | 'etcdPath' | 'found' | 'snapshotFreeBytes'>;
type Chosen = Pick<Candidate, 'manifest' | 'holders'>;

/**
 * Who boots the snapshot on a throw-away etcd before anything is stopped: one host that has an etcd to run, and room
 * beside its snapshots. Preferred is one that holds the file, then one whose own etcd does not serve anybody.
 */
export function decideRehearsal(
  { rehearse = true }: Pick<PlanWish, 'rehearse'>,
  facts: readonly Seen[],
  chosen: Chosen,
): PlanRehearsal {
  if (chosen.manifest.grade === 'booted') return { action: 'skip', because: 'booted' };
  if (!rehearse) return { action: 'skip', because: 'declined' };
  const cost = (host: Seen): number =>
    (chosen.holders.includes(host.agent) ? 0 : 2) + (host.found === 'running' ? 1 : 0);
  const [best] = facts
    .filter((host) => whyNot(host, chosen) === undefined)
    .sort((a, b) => cost(a) - cost(b) || (a.agent < b.agent ? -1 : 1));
  return best === undefined
    ? { action: 'skip', because: 'impossible' }
    : { action: 'run', agent: best.agent };
}

/** What the operator must know where nobody rehearses a snapshot that never booted. */
export function rehearsalWarnings(
  { rehearsal }: Pick<PlanDecision, 'rehearsal'>,
  facts: readonly Seen[],
  chosen: Chosen,
): string[] {
  if (rehearsal?.action !== 'skip' || rehearsal.because === 'booted') return [];
  const risk = 'whether etcd starts on this snapshot is seen only after the present data was stopped';
  if (rehearsal.because === 'declined') return [`Nobody rehearses (--no-rehearsal): ${risk}.`];
  const reasons = facts.map((host) => `${host.agent} ${whyNot(host, chosen) ?? ''}`);
  return [`No host can rehearse: ${reasons.join('; ')}. So ${risk}.`];
}

function whyNot({ agent, etcdPath, snapshotFreeBytes }: Seen, chosen: Chosen): string | undefined {
  if (etcdPath === undefined) return 'knows no etcd that it could run (`etcd.binary`)';
  const { sizeBytes } = chosen.manifest;
  // The scratch directory is gone before the host stages its own data, so the two do not add up.
  const neededBytes = sizeBytes + WAL_BYTES + (chosen.holders.includes(agent) ? 0 : sizeBytes);
  if (snapshotFreeBytes >= neededBytes) return undefined;
  return `needs ${formatBytes(neededBytes)} beside its snapshots and has ${formatBytes(snapshotFreeBytes)}`;
}
