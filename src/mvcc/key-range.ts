/** Keys from `start` on; up to `end`, which is not among them, or without end. */
export interface KeyRange {
  readonly start: Buffer;
  readonly end?: Buffer;
}

/** Whether a key, as Latin-1 text, is in one of `ranges`. Two texts of Latin-1 compare as their bytes do. */
export function rangeTest(ranges: readonly KeyRange[]): (key: string) => boolean {
  const texts = ranges.map(({ start, end }) => ({
    start: start.toString('latin1'),
    end: end?.toString('latin1'),
  }));
  return (key) => texts.some(({ start, end }) => key >= start && (end === undefined || key < end));
}

/** All keys that begin with `prefix`. The empty one begins every key. */
export function rangeOfPrefix(prefix: Buffer): KeyRange {
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last < 0) return { start: prefix };
  const end = Buffer.from(prefix.subarray(0, last + 1));
  end[last] = (end[last] ?? 0) + 1;
  return { start: prefix, end };
}
