import type { OperatorRequest } from '../formats/restore-messages.ts';
import type { CoordinatorState } from './coordinator-state.ts';

/** Whether nothing is proposed yet: then nothing is lost by giving up. Afterwards the outcome may be known elsewhere. */
export function canAbort({ ballot, phase }: CoordinatorState): boolean {
  return ballot === undefined && ['preparing', 'prepared', 'stopping', 'stopped'].includes(phase);
}

/** Why an operator's request cannot be done as the operation stands, in words. `undefined`: it can. */
export function refusalOf(
  state: CoordinatorState,
  { kind, without }: { readonly kind: OperatorRequest['kind']; readonly without: readonly string[] },
): string | undefined {
  if (state.deposedBy !== undefined) return `${state.deposedBy} drives it now`;
  const stranger = without.find((agent) => !state.hosts.includes(agent));
  if (stranger !== undefined)
    return `${stranger} takes no part in it: its hosts are ${state.hosts.join(', ')}`;
  if (kind === 'abort') return canAbort(state) ? undefined : tooLateToAbort(state);
  return kind === 'rollback' && state.phase === 'rolling-back'
    ? noneGivenUp(state, without)
    : refusalOfChoice(state, kind, without);
}

function refusalOfChoice(
  state: CoordinatorState,
  kind: 'accept' | 'rollback',
  without: readonly string[],
): string | undefined {
  const { slot, decision, decided } = state.ballot ?? {};
  if (slot !== 'first' || decision !== 'commit' || decided !== true) return notCommitted(state);
  const isLeft = (agent: string): boolean => !state.without.includes(agent) && !without.includes(agent);
  return kind === 'rollback'
    ? noneLeft(state.hosts.filter(isLeft).length)
    : tooFewLeft(state, state.serving.filter(isLeft).length);
}

/** A rollback that waits for a host in its barrier may go on without it. */
function noneGivenUp(
  { hosts, without: gone }: CoordinatorState,
  without: readonly string[],
): string | undefined {
  if (without.every((agent) => gone.includes(agent))) return 'rollback is decided on already';
  return noneLeft(hosts.filter((agent) => !gone.includes(agent) && !without.includes(agent)).length);
}

function noneLeft(left: number): string | undefined {
  return left === 0 ? 'no host is left' : undefined;
}

function tooFewLeft({ serving, quorum }: CoordinatorState, left: number): string | undefined {
  return left >= quorum
    ? undefined
    : `${left} of ${serving.length} hosts are left, and the new cluster works with ${quorum} of them or more`;
}

function tooLateToAbort({ phase, ballot }: CoordinatorState): string {
  if (phase === 'taking-over') return 'this host is only taking it over';
  if (ballot?.decision === 'abort') return 'it is aborted already';
  return `it is ${phase}: what can be done now is to accept or to roll back`;
}

function notCommitted({ phase, ballot }: CoordinatorState): string {
  if (ballot?.slot === 'second') return `${ballot.decision} is decided on already`;
  return `it is ${phase}: the new cluster was not started`;
}
