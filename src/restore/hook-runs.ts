import { AgentError } from '../base/agent-error.ts';
import { runHookAfterEnd } from './hook-after-end.ts';
import { hookFacts } from './hook-facts.ts';
import type { HookRecord } from './hook-record.ts';
import type { LocalOperation } from './local-operation.ts';
import type { OperationsOptions } from './operations-options.ts';

/** The commands that follow operations on this host, beside everything else: they change nothing about an operation. */
export class HookRuns {
  readonly #options: OperationsOptions;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /** Starts the commands of an operation that are due and do not run yet. */
  startIfDue(operation: LocalOperation): void {
    if (this.#stop.signal.aborted) return;
    for (const record of operation.takeHooks()) {
      const run = this.#run(operation, record).catch((error: unknown) => {
        const { hook, after } = record;
        const fields = { operation: operation.id, hook, after, err: error };
        this.#options.log.error(fields, 'how the command after the operation ended could not be recorded');
      });
      this.#running.add(run);
    }
  }

  async #run({ id, plan, participant }: LocalOperation, record: HookRecord): Promise<void> {
    const { settings, host, log } = this.#options;
    const { hook, after, cause } = record;
    if (after === undefined) return;
    const { found } = participant.context.host;
    const { phase, setAside = [] } = participant.report();
    const facts = { hook, after, plan, host: { agent: host.agent, found }, phase, setAside };
    await runHookAfterEnd(
      {
        record,
        command: settings.hooks?.[hook],
        facts: hookFacts(cause === undefined ? facts : { ...facts, cause }),
        write: async (outcome, reason) => {
          const words = reason === undefined ? {} : { reason };
          await participant.recordHook({ after, outcome, ...words });
        },
        log: log.with({ operation: id }),
      },
      this.#stop.signal,
    );
  }

  /** Ends what runs; the next start of the agent runs it again. */
  async close(): Promise<void> {
    this.#stop.abort(new AgentError('CANCELLED', 'the agent stops'));
    await Promise.all(this.#running);
  }
}
