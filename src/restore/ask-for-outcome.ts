import type { Clock } from '../base/clock.ts';
import { outcomeResponse } from '../formats/restore-messages.ts';
import type { CallHost } from './call-host.ts';
import type { LocalOperation } from './local-operation.ts';
import type { Operations } from './operations.ts';
import { isEnded } from './phases.ts';

interface Asking {
  readonly operations: Operations;
  readonly call: CallHost;
  readonly clock: Clock;
}

const LOOK_EVERY_MS = 2000;
const ASK_TIMEOUT_MS = 5000;

/**
 * A participant whose coordinator went on without it asks all agents, its own included, how the operation ended. Only an abort or an
 * acceptance can be learnt so: a rollback needs its barrier, and a prepared participant never decides alone.
 */
export async function askForOutcomes(asking: Asking, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await asking.clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    const operation = asking.operations.active;
    if (operation === undefined || isDriven(operation)) continue;
    const goal = await learnGoal(asking, operation, signal);
    if (goal !== undefined) await asking.operations.learn(operation, goal);
  }
}

/** A coordinator that gave a silent host up no longer drives any, its own host included. */
function isDriven({ coordinator }: LocalOperation): boolean {
  return coordinator !== undefined && !isEnded(coordinator.state.phase);
}

async function learnGoal(
  { call }: Asking,
  operation: LocalOperation,
  signal: AbortSignal,
): Promise<'abort' | 'finish' | undefined> {
  for (const { agent } of operation.plan.decided.hosts) {
    const params = { operation: operation.id };
    const answer = await call(agent, 'restore.outcome', params, { timeoutMs: ASK_TIMEOUT_MS, signal })
      .then((value) => outcomeResponse.parse(value))
      // Silent or of another release: the next one may know.
      .catch(() => undefined);
    if (answer?.first === 'abort') return 'abort';
    if (answer?.second === 'accepted') return 'finish';
  }
  return undefined;
}
