import type { OperationDecision, PlanDecision } from '../formats/restore-plan.ts';

type Restored = Pick<PlanDecision, 'snapshot' | 'revisions'>;

/**
 * Where the cluster that comes out begins: at the snapshot's revision, or where the plan raises it to; after an undo, at least at that of the
 * most advanced database.
 */
export function expectedRevision(decided: Restored | OperationDecision): number {
  if ('undoes' in decided) return decided.returnsTo.revision;
  const { snapshot, revisions } = decided;
  return revisions?.action === 'bump' ? revisions.to : snapshot.revision;
}

/** What a member has from its start on. One of an old cluster may lag behind the others, and catches up by raft. */
export function firstRevision(decided: OperationDecision, agent: string): number {
  if (!('undoes' in decided)) return expectedRevision(decided);
  const host = decided.hosts.find((each) => each.agent === agent);
  return host?.action === 'swap' ? host.revision : 0;
}
