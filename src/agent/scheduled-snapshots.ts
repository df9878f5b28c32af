import { join } from 'node:path';
import { startSchedule, type Schedule } from '../schedule/start-schedule.ts';
import type { AgentParts } from './agent-parts.ts';
import { trackSnapshot } from './snapshot-handlers.ts';

type Needed = Pick<AgentParts, 'config' | 'backup' | 'operations' | 'underWay' | 'tally' | 'clock' | 'log'>;

/** The scheduled snapshots of this host, or `undefined` when none are configured. */
export async function scheduleSnapshots(parts: Needed): Promise<Schedule | undefined> {
  const { config, backup, operations, clock, log } = parts;
  const settings = config.snapshots.schedule;
  if (settings === undefined) return undefined;
  return await startSchedule({
    cron: settings.cron,
    timeZone: settings.timeZone,
    jitterMs: settings.jitterSeconds * 1000,
    catchUp: settings.catchUp,
    recordPath: join(config.agent.stateDir, 'schedule.json'),
    clock,
    random: Math.random,
    log,
    run: async (signal) => {
      const { active } = operations;
      // The disk and the member belong to the restore; its snapshot is the newest that counts.
      if (active !== undefined) {
        log.info({ operation: active.id }, 'scheduled snapshot skipped: a restore is under way');
        return 'skipped';
      }
      const taken = await trackSnapshot(parts, ignore, (report) =>
        backup.save({ trigger: 'schedule', skipUnchanged: settings.skipUnchanged }, signal, report),
      );
      if ('skipped' in taken) {
        log.info({ revision: taken.revision }, 'scheduled snapshot skipped: nothing changed');
        return 'skipped';
      }
      const { id, revision, sizeBytes, durationMs } = taken.manifest;
      log.info({ id, revision, sizeBytes, durationMs, removed: taken.removed }, 'scheduled snapshot saved');
      if (taken.postSnapshot?.ok === false) throw taken.postSnapshot.error;
      return 'done';
    },
  });
}

function ignore(): void {
  // Nobody watches a scheduled run; `lifeboat status` shows it.
}
