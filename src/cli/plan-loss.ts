import { formatCount, formatDuration } from '../base/units.ts';
import type { RestorePlan } from '../formats/restore-plan.ts';

/** What a restore by this plan loses, in words. What nobody could read is said to be unknown, never left out. */
export function describeLoss(plan: RestorePlan): string[] {
  const { decided, measured } = plan;
  const total = decided.hosts.length + decided.without.length;
  const read = measured.hosts.filter((host) => host.revision !== undefined).length;
  if (measured.lostRevisions === undefined) return [unknownLoss(plan)];
  const partly =
    read < total
      ? [`Perhaps more: only ${read} of ${total} members could be read, and another may hold later writes.`]
      : [];
  return [knownLoss(plan, measured.lostRevisions), ...partly];
}

function knownLoss(plan: RestorePlan, lostRevisions: number): string {
  const { snapshot } = plan.decided;
  const newest = plan.measured.newest;
  const where =
    newest === undefined ? '' : ` (${newest.agent} is at revision ${formatCount(newest.revision)})`;
  if (lostRevisions === 0) return `No revision: the newest member that could be read is no further${where}.`;
  const revisions = lostRevisions === 1 ? '1 revision' : `${formatCount(lostRevisions)} revisions`;
  return `${revisions}: everything written after revision ${formatCount(snapshot.revision)}${where}.`;
}

function unknownLoss(plan: RestorePlan): string {
  const { takenAt, revision } = plan.decided.snapshot;
  const span = formatDuration(Math.max(0, Date.parse(plan.measured.at) - Date.parse(takenAt)));
  return (
    `Unknown: no member could be read, so nobody can say how far the cluster was. ` +
    `Everything written after revision ${formatCount(revision)} is lost, at worst all of the last ${span}.`
  );
}
