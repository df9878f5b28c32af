import type { PlanDecision } from '../formats/restore-plan.ts';

/** Where every member of the new cluster begins: at the snapshot's revision, or where the plan raises it to. */
export function expectedRevision({
  snapshot,
  revisions,
}: Pick<PlanDecision, 'snapshot' | 'revisions'>): number {
  return revisions?.action === 'bump' ? revisions.to : snapshot.revision;
}
