import { setImmediate as nextTurn } from 'node:timers/promises';

/** Lets the event loop do what it has to, in the middle of long synchronous work. Throws the signal's reason when it is aborted. */
export async function breathe(signal: AbortSignal): Promise<void> {
  await nextTurn();
  signal.throwIfAborted();
}
