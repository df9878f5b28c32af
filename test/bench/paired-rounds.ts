/** What both sides took in one round. */
export interface Pair {
  readonly oursMs: number;
  readonly theirsMs: number;
}

export interface Sides<T> {
  readonly ours: (round: number) => Promise<T>;
  readonly theirs: (round: number) => Promise<T>;
}

/**
 * Measures both sides in turn, and changes who is first from round to round: what the machine does besides falls on both
 * alike. One round before the first is not counted.
 */
export async function measurePairs<T>(
  rounds: number,
  sides: Sides<T>,
  onRound: (round: number, ours: T, theirs: T) => void,
): Promise<{ ours: T; theirs: T }[]> {
  const results: { ours: T; theirs: T }[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const oursFirst = round % 2 === 0;
    const early = oursFirst ? await sides.ours(round) : undefined;
    const theirs = await sides.theirs(round);
    const ours = early ?? (await sides.ours(round));
    onRound(round, ours, theirs);
    if (round > 0) results.push({ ours, theirs });
  }
  return results;
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = NaN, high = low] = Number.isInteger(middle)
    ? [sorted[middle - 1], sorted[middle]]
    : [sorted[Math.floor(middle)]];
  return (low + high) / 2;
}
