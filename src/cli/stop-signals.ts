import type { Surroundings } from './session.ts';

/** The signals that ask a program to end, and the exit status that tells of each: 128 and its number. */
export const SIGNAL_EXIT_STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type StopSignal = keyof typeof SIGNAL_EXIT_STATUS;

/** Waits for a signal until disposed; the defaults of the process hold again then. */
interface Interruption extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The first signal, when there was one. */
  readonly received: StopSignal | undefined;
}

/** @param onAgain - Called for every signal after the first. */
export function interruptedBy(
  names: readonly StopSignal[],
  signals: Surroundings['signals'],
  onAgain: () => void = () => undefined,
): Interruption {
  const first = new AbortController();
  let received: StopSignal | undefined;
  const listeners = names.map((name) => ({
    name,
    listen: () => {
      if (received !== undefined) onAgain();
      received ??= name;
      first.abort();
    },
  }));
  for (const { name, listen } of listeners) signals.on(name, listen);
  return {
    signal: first.signal,
    get received() {
      return received;
    },
    [Symbol.dispose]: () => {
      for (const { name, listen } of listeners) signals.off(name, listen);
    },
  };
}
