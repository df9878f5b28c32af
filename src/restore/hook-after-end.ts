import type { ErrorCode } from '../base/error-codes.ts';
import { runHook, type HookCommand } from '../base/run-hook.ts';
import type { Log } from '../observe/log.ts';
import type { HookRecord } from './hook-record.ts';

interface HookAfterEnd {
  readonly record: HookRecord;
  /** Absent when the configuration names none any more. */
  readonly command: HookCommand | undefined;
  /** What the command finds in its environment. */
  readonly facts: Readonly<Record<string, string>>;
  /** Durable when it resolves. */
  readonly write: (outcome: 'started' | 'done' | 'failed', reason?: string) => Promise<void>;
  /** Knows the operation. */
  readonly log: Log;
}

/** A command that takes its agent down with it is not run for ever. */
const MOST_TRIES = 3;
/** The journal has room for a few lines. */
const REASON_CHARS = 2000;

const FAILURE_CODES = {
  preStop: 'PRE_STOP_FAILED',
  postRestore: 'POST_RESTORE_FAILED',
  onFailure: 'ON_FAILURE_FAILED',
} as const satisfies Record<HookRecord['hook'], ErrorCode>;

/**
 * Runs the command that follows an operation's end, at least once: an agent that ends in the middle runs it again at its next
 * start, three times at most. How it ended is in the journal when this resolves, but for an end by `signal`.
 */
export async function runHookAfterEnd(work: HookAfterEnd, signal: AbortSignal): Promise<void> {
  const { record, command, facts, write } = work;
  const { hook, after } = record;
  const log = work.log.with({ hook, after });
  const refusal = whyNot(command, record);
  if (command === undefined || refusal !== undefined) {
    log.error({ reason: refusal }, 'the command after the operation was not run');
    await write('failed', refusal);
    return;
  }
  await write('started');
  const outcome = await runHook(command, facts, FAILURE_CODES[hook], signal);
  if (signal.aborted) return;
  if (outcome.ok) {
    log.info({ durationMs: outcome.durationMs }, 'the command after the operation was run');
    await write('done');
    return;
  }
  log.error({ err: outcome.error }, 'the command after the operation failed');
  await write('failed', outcome.error.message.slice(-REASON_CHARS));
}

function whyNot(command: HookCommand | undefined, { hook, tries }: HookRecord): string | undefined {
  if (command === undefined) return `\`restore.${hook}\` is not configured any more`;
  return tries < MOST_TRIES ? undefined : `the agent ended ${tries} times while it ran`;
}
