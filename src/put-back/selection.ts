import { rangeOfPrefix, type KeyRange } from '../mvcc/key-range.ts';

/** What a person named: single keys, and beginnings of keys. The empty beginning is that of every key. */
export interface Selection {
  readonly keys: readonly Buffer[];
  readonly prefixes: readonly Buffer[];
}

/** The same selection as ranges in key order that do not touch each other, so that no key is met twice. */
export function rangesOf({ keys, prefixes }: Selection): KeyRange[] {
  const ranges = [...keys.map(rangeOfKey), ...prefixes.map(rangeOfPrefix)];
  ranges.sort((a, b) => a.start.compare(b.start));
  const joined: KeyRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last === undefined || (last.end !== undefined && last.end.compare(range.start) < 0)) {
      joined.push(range);
    } else {
      joined[joined.length - 1] = joinedRange(last, range);
    }
  }
  return joined;
}

/** Which parts of a selection met no key: a word mistyped is better refused than passed over. */
export interface SelectionTally {
  met(key: Buffer): void;
  readonly unmet: Selection;
}

export function tallySelection({ keys, prefixes }: Selection): SelectionTally {
  const openKeys = new Map(keys.map((key) => [key.toString('latin1'), key]));
  const openPrefixes = new Set(prefixes);
  return {
    met: (key) => {
      if (openKeys.size > 0) openKeys.delete(key.toString('latin1'));
      for (const prefix of openPrefixes) if (startsWith(key, prefix)) openPrefixes.delete(prefix);
    },
    get unmet() {
      return { keys: [...openKeys.values()], prefixes: [...openPrefixes] };
    },
  };
}

function rangeOfKey(key: Buffer): KeyRange {
  return { start: key, end: Buffer.concat([key, Buffer.of(0)]) };
}

function joinedRange(first: KeyRange, second: KeyRange): KeyRange {
  if (first.end === undefined || second.end === undefined) return { start: first.start };
  return { start: first.start, end: first.end.compare(second.end) >= 0 ? first.end : second.end };
}

function startsWith(key: Buffer, prefix: Buffer): boolean {
  return key.length >= prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}
