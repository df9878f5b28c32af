import { join } from 'node:path';
import { startSchedule, type Schedule } from '../schedule/start-schedule.ts';
import type { AgentParts } from './agent-parts.ts';

type Needed = Pick<AgentParts, 'config' | 'catalog' | 'drills' | 'operations' | 'clock' | 'log'>;

/** The scheduled drills of this host, or `undefined` when none are configured. */
export async function scheduleDrills(parts: Needed): Promise<Schedule | undefined> {
  const { config, catalog, drills, operations, clock, log } = parts;
  const settings = config.drill.schedule;
  if (settings === undefined) return undefined;
  return await startSchedule({
    cron: settings.cron,
    timeZone: settings.timeZone,
    jitterMs: settings.jitterSeconds * 1000,
    catchUp: settings.catchUp,
    recordPath: join(config.agent.stateDir, 'drill-schedule.json'),
    clock,
    random: Math.random,
    log,
    run: async (signal) => {
      if (operations.boundBy !== undefined) {
        log.info({ operation: operations.boundBy }, 'scheduled drill skipped: a restore is under way');
        return 'skipped';
      }
      const newest = await catalog.newestProved();
      if (newest === undefined || newest.grade === 'booted') {
        log.info({ newest: newest?.id }, 'scheduled drill skipped: no proved snapshot has yet to boot');
        return 'skipped';
      }
      await drills.run({ id: newest.id }, signal);
      return 'done';
    },
  });
}

/** A restore needs the disk and the memory of its hosts: it ends their drills. Call the result to stop. */
export function yieldToRestores({
  drills,
  operations,
  log,
}: Pick<Needed, 'drills' | 'operations' | 'log'>): () => void {
  return operations.onChange(() => {
    if (operations.active === undefined || !drills.isRunning) return;
    drills.makeWay('a restore began').catch((error: unknown) => {
      log.error({ err: error }, 'a drill could not be ended');
    });
  });
}
