import { AgentError } from '../base/agent-error.ts';
import { formatCount } from '../base/units.ts';
import type { HostFacts } from '../formats/host-facts.ts';
import type { PlanDecision, PlanRevisions } from '../formats/restore-plan.ts';
import type { PlanWish } from './plan-wish.ts';

/** What a host tells of revisions. */
type Seen = Pick<HostFacts, 'agent' | 'tool' | 'etcd' | 'snapshots'>;

/** A week of 1,500 writes a second; etcd's own documentation raises by as much. */
const STEP = 1_000_000_000;

/**
 * Whether and how far the new cluster's revision is raised above the snapshot's. A client that watched the old cluster has
 * seen revisions that the new one would give to other writes; raised past all of them and marked compacted, it is told
 * "compacted" and begins anew. It takes the flags of the tools of all hosts, since all must end at one revision.
 *
 * @throws {AgentError} `RESTORE_TOOL_UNFIT` when it was asked for and a tool cannot; `USAGE` when no number is left.
 */
export function decideRevisions(
  { bumpRevision }: Pick<PlanWish, 'bumpRevision'>,
  facts: readonly Seen[],
  snapshotRevision: number,
): PlanRevisions {
  if (bumpRevision === false) return { action: 'keep', lacking: [] };
  const unable = facts.filter(({ tool }) => tool?.canBumpRevision !== true);
  if (unable.length > 0) {
    if (bumpRevision === undefined) return { action: 'keep', lacking: unable.map(({ agent }) => agent) };
    const tools = unable.map(
      ({ agent, tool }) => `${agent} has ${tool?.kind ?? 'no tool'} ${tool?.version ?? ''}`,
    );
    throw new AgentError(
      'RESTORE_TOOL_UNFIT',
      `--bump-revision ${bumpRevision} takes a tool with --bump-revision and --mark-compacted on every host: ${tools.join(', ')}`,
    );
  }
  const by = bumpRevision ?? safeBump(furthestRevision(facts) - snapshotRevision);
  const to = snapshotRevision + by;
  if (Number.isSafeInteger(to)) return { action: 'bump', by, to };
  throw new AgentError(
    'USAGE',
    `the revision ${snapshotRevision} cannot be raised by ${by}: say --no-bump-revision`,
  );
}

/**
 * What is known to be lost is only what could be read: another member may have gone further, and clients saw it. So the
 * raise is whole steps and passes the furthest revision known by half a step or more.
 */
function safeBump(knownLoss: number): number {
  return STEP * (1 + Math.floor((2 * Math.max(0, knownLoss)) / STEP));
}

/** The highest revision that any member or snapshot tells of, of whatever cluster: clients may have seen it. */
function furthestRevision(facts: readonly Seen[]): number {
  let furthest = 0;
  for (const { etcd, snapshots } of facts) {
    furthest = Math.max(furthest, etcd?.revision ?? 0, ...snapshots.map(({ revision }) => revision));
  }
  return furthest;
}

/** What clients must be told, where the new revisions do not keep them from taking old values for new. */
export function revisionWarnings({ revisions, snapshot }: PlanDecision, facts: readonly Seen[]): string[] {
  const furthest = furthestRevision(facts);
  if (revisions?.action === 'bump') {
    if (revisions.to > furthest) return [];
    return [
      `Raised by ${formatCount(revisions.by)} the revision is ${formatCount(revisions.to)}, and revision ${formatCount(furthest)} was reached before: a client may take old values for new.`,
    ];
  }
  const lacking = revisions?.lacking ?? [];
  const why =
    lacking.length === 0
      ? ''
      : `: the restore tool of ${lacking.join(', ')} cannot raise it (--bump-revision with --mark-compacted: from 3.4.27, 3.5.10 and 3.6.0 on)`;
  return [
    `Revisions go back to ${formatCount(snapshot.revision)}${why}. Clients with watches and caches must be restarted after the restore.`,
  ];
}
