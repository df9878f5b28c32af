import type { ThreadProgram } from '../base/run-in-thread.ts';
import type { Config } from '../config/config-schema.ts';
import type { Environment } from '../config/environment.ts';
import type { Log } from '../observe/log.ts';

export interface AgentOptions {
  readonly config: Config;
  readonly configFile: string;
  readonly environment: Environment;
  readonly threadProgram: ThreadProgram;
  readonly log: Log;
  /** Ends the start too. */
  readonly signal: AbortSignal;
}
