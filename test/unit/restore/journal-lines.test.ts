import { expect, test } from 'vitest';
import type { JournalEntry } from '../../../src/formats/restore-journal.ts';
import { lineOf, openingIn, parseLines } from '../../../src/restore/journal-lines.ts';
import { sampleJournal } from './sample-journal.ts';

const appends: JournalEntry[][] = sampleJournal();
const whole = Buffer.from(appends.map(lineOf).join(''));
const room = Buffer.alloc(4096);

test('a journal reads back as it was written', () => {
  const { entries, endBytes } = parseLines(Buffer.concat([whole, room]), 'j');
  expect(entries).toEqual(appends.flat());
  expect(endBytes).toBe(whole.length);
});

test('cut at any byte, a journal holds the appends before the cut and no part of the one behind it', () => {
  const ends = appends.map((_, index) =>
    Buffer.byteLength(
      appends
        .slice(0, index + 1)
        .map(lineOf)
        .join(''),
    ),
  );
  for (let cut = 0; cut <= whole.length; cut += 1) {
    const count = ends.filter((end) => end <= cut).length;
    const { entries, endBytes } = parseLines(Buffer.concat([whole.subarray(0, cut), room]), 'j');
    expect(entries.length).toBe(appends.slice(0, count).flat().length);
    expect(endBytes).toBe(ends[count - 1] ?? 0);
  }
});

test('an order from before a reason was asked for reads as it was written', () => {
  const order = { without: ['h1', 'h3'], outcome: 'abort' } as const;
  const at = '2026-11-23T15:00:00.000Z';
  const forced: JournalEntry = {
    ...{ type: 'coordinating', at, epoch: { counter: 2, agent: 'h2' }, requestedBy: 'anna@h2' },
    order: { ...order, without: [...order.without] },
  };
  const lines = Buffer.from([...appends, [forced]].map(lineOf).join(''));
  expect(parseLines(lines, 'j').entries.at(-1)).toEqual(forced);
});

test('a hole in the last line is a torn write', () => {
  const last = whole.length - lineOf(appends.at(-1) ?? []).length;
  const torn = Buffer.from(whole);
  torn.fill(0, last + 4, last + 20);
  expect(parseLines(torn, 'j').entries).toEqual(appends.slice(0, -1).flat());
});

test.each([
  ['a changed byte', (bytes: Buffer, at: number) => bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)],
  ['a hole of zeros', (bytes: Buffer, at: number) => bytes.fill(0, at, at + 30)],
  ['a hole that swallows line ends', (bytes: Buffer, at: number) => bytes.fill(0, at - 400, at + 30)],
  ['a lost beginning', (bytes: Buffer, at: number) => bytes.fill(0, 0, at)],
])('%s before the last line is damage, and says which line', (_what, spoil) => {
  const spoilt = Buffer.from(whole);
  spoil(spoilt, whole.length - lineOf(appends.at(-1) ?? []).length - 40);
  expect(() => parseLines(spoilt, '/state/journal')).toThrow(
    expect.objectContaining({
      code: 'JOURNAL_DAMAGED',
      message: expect.stringMatching(/^\/state\/journal: line \d+ does not fit its checksum$/) as string,
    }),
  );
});

test('a line of a newer release is damage, never passed over', () => {
  const newer = lineOf([{ type: 'teleport', at: '2026-11-23T15:00:00.000Z' } as unknown as JournalEntry]);
  expect(() => parseLines(Buffer.concat([whole, Buffer.from(newer)]), 'j')).toThrow(
    expect.objectContaining({ code: 'JOURNAL_DAMAGED' }),
  );
});

test('a damaged journal still tells which plan it was opened for, unless that line is gone', () => {
  const spoilt = Buffer.from(whole);
  spoilt.fill(0, whole.length - 200);
  expect(openingIn(spoilt)).toEqual(appends[0]?.[0]);
  spoilt.fill(0, 0, 10);
  expect(openingIn(spoilt)).toBeUndefined();
  expect(openingIn(Buffer.alloc(0))).toBeUndefined();
});
