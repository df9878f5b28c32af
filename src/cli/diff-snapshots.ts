import { diffKeys, type KeyDifference } from '../mvcc/diff-keys.ts';
import { rangeOfPrefix } from '../mvcc/key-range.ts';
import { readKeyspaceFacts } from '../mvcc/keyspace-facts.ts';
import { BUDGET_BYTES, liveKeys } from '../mvcc/live-keys.ts';
import { differenceDocument, differenceLine, summaryLine, type DiffCounts } from './diff-text.ts';
import type { KeysWish } from './list-keys.ts';
import { lookInto, type OpenSnapshot } from './look-into.ts';
import { paintFor } from './paint.ts';
import type { Session } from './session.ts';
import { showReading, type Reading } from './show-reading.ts';
import { writeLines } from './write-lines.ts';

/** Both sides are in memory at once. */
const SIDE_BYTES = BUDGET_BYTES / 2;

/** As of diff(1). */
const DIFFERENT_EXIT_STATUS = 1;

/**
 * `lifeboat snapshot diff`: a line for each key that is in one only, or has another value or lease, and one with the counts. Both files are
 * read at once, a key of each at a time.
 *
 * @returns 0 when every key has the same value in both, 1 when not.
 */
export async function diffSnapshots(
  session: Session,
  words: readonly [before: string, after: string],
  { prefix, scratchDirectory }: Omit<KeysWish, 'revision'>,
): Promise<number> {
  return await lookInto(session, words, async ([before, after], signal) => {
    if (before === undefined || after === undefined) return 0;
    const ranges = prefix === undefined ? {} : { ranges: [rangeOfPrefix(prefix)] };
    const readings: Reading[] = [];
    const keysOf = (snapshot: OpenSnapshot): ReturnType<typeof liveKeys> => {
      const reading = showReading(session, snapshot);
      readings.push(reading);
      const options = { ...ranges, ...reading, scratchDirectory, hashValues: true, budgetBytes: SIDE_BYTES };
      return liveKeys(snapshot.file, options, signal);
    };
    const counts = { added: 0, removed: 0, changed: 0, rewritten: 0, same: 0 };
    try {
      const differences = diffKeys(keysOf(before), keysOf(after));
      await writeLines(lines(session, differences, counts), session.surroundings);
    } finally {
      for (const reading of readings) reading.onRead();
    }
    sum(session, { before: sideOf(before), after: sideOf(after), ...counts });
    return counts.added + counts.removed + counts.changed === 0 ? 0 : DIFFERENT_EXIT_STATUS;
  });
}

async function* lines(
  session: Session,
  differences: AsyncIterable<KeyDifference>,
  counts: Record<keyof DiffCounts, number>,
): AsyncGenerator<string> {
  const paint = paintFor(session.surroundings.terminal.stdout);
  for await (const difference of differences) {
    counts[difference.kind] += 1;
    // The key has the same value in both: for a person that is no difference.
    if (difference.kind === 'same') continue;
    if (session.isJson) yield JSON.stringify(differenceDocument(difference));
    else if (difference.kind !== 'rewritten') yield differenceLine(difference, paint);
  }
}

interface DiffSummary extends DiffCounts {
  readonly before: ReturnType<typeof sideOf>;
  readonly after: ReturnType<typeof sideOf>;
}

function sum(session: Session, summary: DiffSummary): void {
  if (session.isJson) session.printJson({ kind: 'summary', ...summary });
  else session.printText([summaryLine(summary)]);
}

function sideOf({ name, path, file }: OpenSnapshot): {
  readonly name: string;
  readonly path: string;
  readonly revision: number;
} {
  return { name, path, revision: readKeyspaceFacts(file).revision };
}
