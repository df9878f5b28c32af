import type { KeyState } from './live-key.ts';

/** The next state of a run, and what comes after it. */
interface Head {
  readonly run: number;
  readonly state: KeyState;
  readonly rest: Iterator<KeyState>;
}

/**
 * Joins sorted runs into one: of a key that several have, the state in the last of them counts. Deleted keys are left out.
 *
 * @param runs - From the oldest to the newest.
 */
export function* mergeRuns(runs: readonly Iterable<KeyState>[]): Generator<KeyState> {
  const heap: Head[] = [];
  for (const [run, states] of runs.entries()) push(heap, advanced(run, states[Symbol.iterator]()));
  let previous: string | undefined;
  for (let first = heap[0]; first !== undefined; first = heap[0]) {
    const { run, state, rest } = first;
    if (state.key !== previous && !state.isDeleted) yield state;
    previous = state.key;
    replaceFirst(heap, advanced(run, rest));
  }
}

function advanced(run: number, rest: Iterator<KeyState>): Head | undefined {
  const next = rest.next();
  return next.done === true ? undefined : { run, state: next.value, rest };
}

function isBefore(a: Head, b: Head): boolean {
  if (a.state.key !== b.state.key) return a.state.key < b.state.key;
  return a.run > b.run;
}

function push(heap: Head[], head: Head | undefined): void {
  if (head === undefined) return;
  heap.push(head);
  let at = heap.length - 1;
  while (at > 0) {
    const above = (at - 1) >>> 1;
    if (!swapIfBefore(heap, at, above)) return;
    at = above;
  }
}

function replaceFirst(heap: Head[], head: Head | undefined): void {
  const first = head ?? heap.pop();
  if (first === undefined || heap.length === 0) return;
  heap[0] = first;
  let at = 0;
  for (;;) {
    const [left, right] = [2 * at + 1, 2 * at + 2];
    const below = heap[right] !== undefined && isLess(heap, right, left) ? right : left;
    if (heap[below] === undefined || !swapIfBefore(heap, below, at)) return;
    at = below;
  }
}

function isLess(heap: readonly Head[], a: number, b: number): boolean {
  const [first, second] = [heap[a], heap[b]];
  return first !== undefined && second !== undefined && isBefore(first, second);
}

/** Brings the head at `below` up to `above` where it belongs before that. */
function swapIfBefore(heap: Head[], below: number, above: number): boolean {
  const [lower, upper] = [heap[below], heap[above]];
  if (lower === undefined || upper === undefined || !isBefore(lower, upper)) return false;
  heap[above] = lower;
  heap[below] = upper;
  return true;
}
