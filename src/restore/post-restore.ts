import { runHook, type HookCommand } from '../base/run-hook.ts';
import type { RestorePlan } from '../formats/restore-plan.ts';
import type { Log } from '../observe/log.ts';
import { expectedIdentity } from './expected-identity.ts';
import { expectedRevision } from './expected-revision.ts';
import type { HookRecord } from './hook-record.ts';

interface PostRestore {
  readonly plan: RestorePlan;
  readonly agent: string;
  /** The old data that this host keeps. */
  readonly setAside: readonly string[];
  readonly record: HookRecord;
  /** Absent when the configuration names none any more. */
  readonly hook: HookCommand | undefined;
  /** Durable when it resolves. */
  readonly write: (outcome: 'started' | 'done' | 'failed', reason?: string) => Promise<void>;
  readonly log: Log;
}

/** A command that takes its agent down with it is not run for ever. */
const MOST_TRIES = 3;

/**
 * Runs the command that follows a restore, at least once: an agent that ends in the middle runs it again at its next start,
 * three times at most. How it ended is in the journal when this resolves, but for an end by `signal`.
 */
export async function runPostRestore(post: PostRestore, signal: AbortSignal): Promise<void> {
  const { plan, agent, hook, record, write, log } = post;
  const { operation } = plan.decided;
  const refusal = whyNot(hook, record);
  if (hook === undefined || refusal !== undefined) {
    log.error({ operation, reason: refusal }, 'the command after the restore was not run');
    await write('failed', refusal);
    return;
  }
  await write('started');
  const outcome = await runHook(
    hook,
    environmentOf(plan, agent, post.setAside),
    'POST_RESTORE_FAILED',
    signal,
  );
  if (signal.aborted) return;
  if (outcome.ok) {
    log.info({ operation, durationMs: outcome.durationMs }, 'the command after the restore was run');
    await write('done');
    return;
  }
  log.error({ operation, err: outcome.error }, 'the command after the restore failed');
  await write('failed', outcome.error.message.slice(-REASON_CHARS));
}

/** The journal has room for a few lines. */
const REASON_CHARS = 2000;

function whyNot(hook: HookCommand | undefined, { tries }: HookRecord): string | undefined {
  if (hook === undefined) return '`restore.postRestore` is not configured any more';
  return tries < MOST_TRIES ? undefined : `the agent ended ${tries} times while it ran`;
}

function environmentOf(
  plan: RestorePlan,
  agent: string,
  setAside: readonly string[],
): Record<string, string> {
  const { decided } = plan;
  const { revisions } = decided;
  return {
    LIFEBOAT_OPERATION: decided.operation,
    LIFEBOAT_OUTCOME: 'finished',
    LIFEBOAT_AGENT: agent,
    LIFEBOAT_COORDINATOR: decided.coordinator,
    LIFEBOAT_CLUSTER_ID: expectedIdentity(decided).clusterId,
    LIFEBOAT_SNAPSHOT_ID: decided.snapshot.id,
    LIFEBOAT_REVISION: String(expectedRevision(decided)),
    LIFEBOAT_REVISION_BUMP: revisions?.action === 'bump' ? String(revisions.by) : '0',
    LIFEBOAT_SET_ASIDE: setAside.join('\n'),
  };
}
