import { AgentError, asAgentError, messageOf } from '../../base/agent-error.ts';

/** Bytes done of bytes to do, where a step can tell. */
export type OnStepBytes = (bytes: number, totalBytes: number) => void;

/** One change to this host. Both methods may be called again after a crash inside them. */
export interface Step {
  readonly name: string;
  /** Looks only: is the effect of `run` there? It decides what a restart still has to do. */
  isDone(signal: AbortSignal): Promise<boolean>;
  run(signal: AbortSignal, onBytes: OnStepBytes): Promise<void>;
  /**
   * Makes durable what `isDone` found. A run that was killed may have ended before its last sync: the effect is seen, and is gone after a
   * power cut, while the journal says that it is there.
   */
  seal?(signal: AbortSignal): Promise<void>;
  /** Asked anew by every run of its phase, also when an earlier run recorded it done: what it looks at does not stay. */
  readonly askAgain?: boolean;
}

export type RecordStep = (
  step: string,
  outcome: 'started' | 'done' | 'failed',
  reason?: string,
) => Promise<void>;

/**
 * Brings one step to done: intent on disk first, then the effect, then proof, then the outcome.
 *
 * @throws {AgentError} the step's own code, or `RESTORE_STEP_FAILED`; nothing later has run.
 */
export async function completeStep(
  step: Step,
  record: RecordStep,
  signal: AbortSignal,
  onBytes: OnStepBytes,
): Promise<void> {
  signal.throwIfAborted();
  if (await step.isDone(signal)) {
    await step.seal?.(signal);
    await record(step.name, 'done');
    return;
  }
  await record(step.name, 'started');
  try {
    await step.run(signal, onBytes);
    if (!(await step.isDone(signal))) {
      throw new AgentError('RESTORE_STEP_FAILED', 'it ran without an error, yet its effect is not there');
    }
  } catch (cause) {
    await record(step.name, 'failed', messageOf(cause));
    const known = asAgentError(cause, 'RESTORE_STEP_FAILED');
    throw new AgentError(known.code, `${step.name}: ${known.message}`, {
      cause,
      details: { step: step.name },
    });
  }
  await record(step.name, 'done');
}
