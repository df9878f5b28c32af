import type { Clock } from '../base/clock.ts';
import { outcomeResponse, type KnownOutcome } from '../formats/restore-messages.ts';
import type { Log } from '../observe/log.ts';
import type { CallHost } from './call-host.ts';
import { isTurnOf, judgeOutcomes } from './judge-outcomes.ts';
import type { LocalOperation } from './local-operation.ts';
import type { Operations } from './operations.ts';

interface Asking {
  readonly operations: Operations;
  readonly call: CallHost;
  readonly clock: Clock;
  readonly log: Log;
  readonly agent: string;
  /** How long a host that nobody drives waits before it takes the operation over; 0: never. */
  readonly takeoverAfterMs: number;
}

const LOOK_EVERY_MS = 2000;
const ASK_TIMEOUT_MS = 5000;

/**
 * A participant whose coordinator went on without it asks all agents, its own included, how the operation ended. Only an abort or an
 * acceptance can be learnt so: a rollback needs its barrier, and a prepared participant never decides alone. Where nobody knows and
 * nobody drives it any more, this host takes it over, one host after the other.
 */
export async function askForOutcomes(asking: Asking, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await asking.clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    const operation = asking.operations.active;
    if (operation === undefined || operation.isDriven) continue;
    try {
      await lookAt(asking, operation, signal);
    } catch (error) {
      if (isAborted(signal)) return;
      asking.log.error({ err: error }, 'how the restore goes on could not be found out');
    }
  }
}

/** Asked anew: it may have been aborted meanwhile. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function lookAt(asking: Asking, operation: LocalOperation, signal: AbortSignal): Promise<void> {
  const outcomes = await outcomesOf(asking.call, operation, signal);
  const verdict = judgeOutcomes(outcomes);
  if (verdict === 'abort' || verdict === 'finish') {
    await asking.operations.learn(operation, verdict);
    return;
  }
  if (verdict === 'wait' || (verdict === 'lead' && !isItsTurn(asking, operation))) return;
  const seconds = Math.round(operation.participant.unheardMs / 1000);
  asking.log.warn({ operation: operation.id, seconds }, 'nobody drives the restore; this host takes it over');
  await asking.operations.takeOver(operation, {
    known: outcomes.flatMap(({ epoch }) => epoch ?? []),
    requestedBy: `${asking.agent}, as nobody drove it for ${seconds} s`,
  });
}

/** What every host of the operation knows, as far as they answer. */
export async function outcomesOf(
  call: CallHost,
  { id, plan }: LocalOperation,
  signal: AbortSignal,
): Promise<KnownOutcome[]> {
  const answers = await Promise.all(
    plan.decided.hosts.map(({ agent }) =>
      call(agent, 'restore.outcome', { operation: id }, { timeoutMs: ASK_TIMEOUT_MS, signal })
        .then((answer) => outcomeResponse.parse(answer))
        // Silent or of another release: the others may know.
        .catch(() => ({ known: false })),
    ),
  );
  signal.throwIfAborted();
  return answers;
}

function isItsTurn({ agent, takeoverAfterMs }: Asking, { participant, plan }: LocalOperation): boolean {
  const hosts = plan.decided.hosts.map((host) => host.agent);
  const { unheardMs, state } = participant;
  return isTurnOf(agent, hosts, { gone: state.epoch.agent, unheardMs, takeoverAfterMs });
}
