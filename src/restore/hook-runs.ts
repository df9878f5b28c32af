import { AgentError } from '../base/agent-error.ts';
import { appendHookAudit } from './audit.ts';
import type { LocalOperation } from './local-operation.ts';
import type { OperationsOptions } from './operations-options.ts';
import { runPostRestore } from './post-restore.ts';

/** The commands that follow restores on this host, beside everything else: they change nothing about an operation. */
export class HookRuns {
  readonly #options: OperationsOptions;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /** Starts the command of an operation where one is due and does not run yet. */
  startIfDue(operation: LocalOperation): void {
    if (this.#stop.signal.aborted) return;
    const record = operation.takeHook();
    if (record === undefined) return;
    const { stateDir, settings, host, log, clock } = this.#options;
    const { plan, participant } = operation;
    const run = runPostRestore(
      {
        plan,
        agent: host.agent,
        setAside: participant.report().setAside ?? [],
        record,
        hook: settings.postRestore,
        write: async (outcome, reason) => {
          await participant.recordHook(outcome, reason);
          if (outcome === 'started') return;
          const at = new Date(clock.now()).toISOString();
          const words = reason === undefined ? {} : { reason };
          await appendHookAudit(stateDir, { at, operation: operation.id, postRestore: outcome, ...words });
        },
        log,
      },
      this.#stop.signal,
    ).catch((error: unknown) => {
      log.error(
        { operation: operation.id, err: error },
        'how the command after the restore ended could not be recorded',
      );
    });
    this.#running.add(run);
  }

  /** Ends what runs; the next start of the agent runs it again. */
  async close(): Promise<void> {
    this.#stop.abort(new AgentError('CANCELLED', 'the agent stops'));
    await Promise.all(this.#running);
  }
}
