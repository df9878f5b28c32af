import { keyText } from '../mvcc/key-text.ts';
import { rangeOfPrefix } from '../mvcc/key-range.ts';
import { liveKeys } from '../mvcc/live-keys.ts';
import type { LiveKey } from '../mvcc/live-key.ts';
import { keyFacts, keyFields } from './key-document.ts';
import { lookInto } from './look-into.ts';
import { showReading } from './show-reading.ts';
import type { Session } from './session.ts';
import { writeLines } from './write-lines.ts';

export interface KeysWish {
  readonly prefix?: Buffer;
  readonly revision?: number;
  readonly scratchDirectory: string;
}

/** `lifeboat snapshot keys`: a line for each key, in JSON with all that is known of it but its value. */
export async function listKeys(
  session: Session,
  which: string,
  { limit, prefix, ...wish }: KeysWish & { readonly limit?: number },
): Promise<number> {
  const lineOf = session.isJson ? keyLine : ({ key }: LiveKey) => keyText(key);
  return await lookInto(session, [which], async ([snapshot], signal) => {
    if (snapshot === undefined) return 0;
    const ranges = prefix === undefined ? {} : { ranges: [rangeOfPrefix(prefix)] };
    const reading = showReading(session, snapshot);
    const keys = liveKeys(snapshot.file, { ...wish, ...ranges, ...reading }, signal);
    try {
      await writeLines(lines(keys, lineOf, limit), session.surroundings);
    } finally {
      reading.onRead();
    }
    return 0;
  });
}

async function* lines(
  keys: AsyncIterable<LiveKey>,
  lineOf: (key: LiveKey) => string,
  limit: number | undefined,
): AsyncGenerator<string> {
  let count = 0;
  for await (const key of keys) {
    yield lineOf(key);
    count += 1;
    if (count === limit) return;
  }
}

function keyLine(key: LiveKey): string {
  return JSON.stringify({ ...keyFields(key.key), ...keyFacts(key), valueSizeBytes: key.valueSizeBytes });
}
