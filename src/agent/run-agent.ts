import { keepYoungGenerationSmall, markGarbageInOneGo } from '../base/garbage-collection.ts';
import type { ThreadProgram } from '../base/run-in-thread.ts';
import { loadConfig } from '../config/load-config.ts';
import { takeEnvironment } from '../config/environment.ts';
import { createLogger } from '../observe/logger.ts';
import { validateCron } from '../schedule/validate-cron.ts';
import { startAgent } from './agent.ts';

export interface RunAgentOptions {
  readonly configFile: string;
  readonly threadProgram: ThreadProgram;
  /** Aborted when the agent is asked to finish and close. */
  readonly signal: AbortSignal;
}

/**
 * Runs the agent until the signal ends it.
 *
 * @returns The exit status.
 * @throws {AgentError} why it could not start; everything that was opened is closed again.
 */
export async function runAgent({ configFile, threadProgram, signal }: RunAgentOptions): Promise<number> {
  markGarbageInOneGo();
  keepYoungGenerationSmall();
  const environment = takeEnvironment();
  const config = await loadConfig(configFile, { scheduleProblem: validateCron });
  const log = createLogger({ level: config.agent.logLevel, name: config.agent.name });
  const agent = await startAgent({ config, configFile, environment, threadProgram, log, signal });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
  log.info({}, 'the agent stops');
  await agent.stop();
  log.flush();
  return 0;
}
