import type { OperationView } from '../formats/operation-view.ts';
import type { TakeoverOrder } from '../formats/restore-journal.ts';

// What a command that steers a restore will do, in words, before it is confirmed.

export function acceptText(view: OperationView, without: readonly string[]): string[] {
  const hosts = hostsLeft(view, without);
  return [
    `The ${view.undoes === undefined ? 'new' : 'old'} cluster of ${view.operation} is accepted if etcd on ${list(hosts)} passes the acceptance gate.`,
    ...givenUp(without, 'joins the new cluster when its agent is back, or is replaced by you'),
    view.undoes === undefined
      ? `After that the way back is \`lifeboat restore undo ${view.operation}\`: the old data stays set aside on every host.`
      : 'After that there is no way back but to restore again. The present data stays set aside on every host.',
    'If the gate fails again, nothing is changed, and you choose again.',
  ];
}

export function rollbackText(view: OperationView, without: readonly string[]): string[] {
  const hosts = hostsLeft(view, without);
  return [
    `The ${view.undoes === undefined ? 'new' : 'old'} cluster of ${view.operation} is stopped on ${list(hosts)}, and each goes back to the data it was found with.`,
    'What clients wrote meanwhile is set aside with it, not deleted.',
    ...givenUp(without, 'must not run the new data: keep it off until its agent can be reached'),
  ];
}

export function resumeText(view: OperationView): string[] {
  return [
    `This host drives ${view.operation} from now on, under a new epoch. It was ${view.phase}.`,
    ...howItGoesOn(),
    'What failed before is tried again.',
  ];
}

export function takeoverText(view: OperationView, order: TakeoverOrder | undefined): string[] {
  const { operation, phase, coordinator = 'unknown' } = view;
  const taking = `This host drives ${operation} from now on, instead of ${coordinator}. Here it is ${phase}.`;
  if (order === undefined) return [taking, ...howItGoesOn()];
  const hosts = hostsLeft(view, order.without);
  return [
    taking,
    `${list(hosts)} decide alone: ${order.outcome}, unless one of them knows that something else was decided.`,
    `You answer for it that ${list(order.without)} ${order.without.length === 1 ? 'is' : 'are'} dead (${order.reason ?? 'no reason given'}): if they decided otherwise and come back, two clusters run.`,
  ];
}

function howItGoesOn(): string[] {
  return [
    'It goes on with what a majority of its hosts may have decided. Where nothing was decided, every host goes back to what it was.',
  ];
}

function givenUp(without: readonly string[], then: string): string[] {
  return without.length === 0 ? [] : [`Nobody waits for ${list(without)}: it ${then}.`];
}

function hostsLeft({ hosts }: OperationView, without: readonly string[]): string[] {
  return hosts.map(({ agent }) => agent).filter((agent) => !without.includes(agent));
}

function list(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? 'no host';
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}
