import { formatDuration } from '../base/units.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { isProved } from '../snapshot/grade.ts';
import { fail, ok, skipped, warn, type Check } from './check.ts';

/** Whether snapshots are taken by themselves. */
export function judgeSchedule(
  schedule: { readonly cron: string; readonly timeZone: string } | undefined,
  problem: string | undefined,
): Check {
  const id = 'snapshots.schedule';
  if (schedule === undefined) {
    return warn(id, 'no snapshots are scheduled', "Give `snapshots.schedule.cron`: '*/30 * * * *', say.");
  }
  const found = `${schedule.cron} (${schedule.timeZone})`;
  if (problem !== undefined)
    return fail(id, `${found} is never due: ${problem}`, 'Correct `snapshots.schedule.cron`.');
  return ok(id, found);
}

/** Whether the newest proved snapshot is as new as the schedule promises. */
export function judgeFreshness(facts: {
  readonly snapshots: readonly SnapshotManifest[];
  readonly staleAfterMs: number | undefined;
  readonly memberRevision: number | undefined;
  readonly nowMs: number;
}): Check {
  const id = 'snapshots.fresh';
  const { staleAfterMs, nowMs } = facts;
  const newest = facts.snapshots.find(isProved);
  const hint = '`lifeboat snapshot save` takes one now; `lifeboat status` says how the last run ended.';
  if (newest === undefined) {
    const found = `this host has no proved snapshot, of ${facts.snapshots.length} in all`;
    return staleAfterMs === undefined ? warn(id, found, hint) : fail(id, found, hint);
  }
  const ageMs = Math.max(0, nowMs - Date.parse(newest.takenAt));
  const found = `the newest proved snapshot, ${newest.id}, is ${formatDuration(ageMs)} old`;
  if (staleAfterMs === undefined || ageMs <= staleAfterMs) return ok(id, found);
  if (newest.revision === facts.memberRevision) return ok(id, `${found}, and has the member's revision`);
  return fail(id, `${found}: stale from ${formatDuration(staleAfterMs)} on`, hint);
}

/** The listener for metrics, as its agent has it. */
export function judgeListener(
  {
    enabled,
    listen,
  }: { readonly enabled: boolean; readonly listen: { readonly host: string; readonly port: number } },
  problem: string | undefined,
): Check {
  const id = 'monitoring.listener';
  if (!enabled) return skipped(id, 'monitoring is switched off');
  const where = `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`;
  if (problem === undefined) return ok(id, `metrics and probes are served on ${where}`);
  return fail(
    id,
    `metrics and probes are not served on ${where}: ${problem}`,
    'Give `monitoring.listen` a port of its own; `ss -ltnp` shows who has this one.',
  );
}
