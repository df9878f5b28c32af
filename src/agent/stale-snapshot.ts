import type { Config } from '../config/config-schema.ts';
import type { Schedule } from '../schedule/start-schedule.ts';

/** From which age the newest proved snapshot is stale, in seconds; `undefined` where nothing says that there be any. */
export function staleAfterSeconds(
  { monitoring }: Pick<Config, 'monitoring'>,
  schedule: Pick<Schedule, 'longestWaitMs'> | undefined,
): number | undefined {
  if (monitoring.snapshotMaxAgeSeconds !== undefined) return monitoring.snapshotMaxAgeSeconds;
  // One run may fail. The second one in a row leaves less than was promised.
  return schedule === undefined ? undefined : Math.ceil((2 * schedule.longestWaitMs) / 1000);
}

/**
 * By how much the newest proved snapshot may be newer than the newest one that booted, in seconds; `undefined` where nothing says
 * that any be drilled.
 */
export function drillStaleAfterSeconds(
  schedule: Pick<Schedule, 'longestWaitMs'> | undefined,
): number | undefined {
  return schedule === undefined ? undefined : Math.ceil((2 * schedule.longestWaitMs) / 1000);
}
