import type { KnownOutcome } from '../formats/restore-messages.ts';
import { isEnded } from './phases.ts';

/**
 * What a participant that nobody drives makes of what all agents know of the operation. Only an abort or an acceptance can be
 * learnt so: a rollback needs its barrier, and a prepared participant never decides alone.
 *
 * @returns `wait`: somebody drives it, or it waits for a person. `lead-back`: the others went back without this host, and nobody
 *   will come for it. `lead`: nobody drives it.
 */
export function judgeOutcomes(
  outcomes: readonly KnownOutcome[],
): 'abort' | 'finish' | 'wait' | 'lead-back' | 'lead' {
  if (outcomes.some(({ first }) => first === 'abort')) return 'abort';
  if (outcomes.some(({ second }) => second === 'accepted')) return 'finish';
  if (outcomes.some(({ drives }) => drives === 'stuck' || (drives !== undefined && !isEnded(drives))))
    return 'wait';
  const wentBack = outcomes.some(({ second, drives }) => second === 'rollback' && drives === 'rolled-back');
  return wentBack ? 'lead-back' : 'lead';
}

/** Each host waits once longer than the one before it, so that they do not contend for the epoch. `gone`: who drove it. */
export function isTurnOf(
  agent: string,
  hosts: readonly string[],
  { gone, unheardMs, takeoverAfterMs }: { gone: string; unheardMs: number; takeoverAfterMs: number },
): boolean {
  if (takeoverAfterMs === 0) return false;
  const turn = Math.max(0, hosts.filter((name) => name !== gone).indexOf(agent)) + 1;
  return unheardMs >= takeoverAfterMs * turn;
}
