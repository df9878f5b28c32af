import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { BEGINNING, lineOf, readLine, sealRecord } from '../../../src/audit/audit-line.ts';
import { ChainCheck } from '../../../src/audit/chain-check.ts';
import type { AuditRecord } from '../../../src/formats/audit-record.ts';

const AT = '2026-11-23T15:00:00.000Z';

/** A log of `count` lines, as an agent writes it. */
function chainOf(count: number): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (let index = 0; index < count; index += 1) {
    records.push(sealRecord(records.at(-1) ?? BEGINNING, AT, { event: 'put-back', keys: index, name: 'ä' }));
  }
  return records;
}

function checked(text: string, expected: readonly Pick<AuditRecord, 'seq' | 'sha256'>[] = []): ChainCheck {
  const check = new ChainCheck(expected);
  check.enter('audit.jsonl');
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  for (const line of lines) check.add({ bytes: Buffer.from(line), isTerminated: true, isContinued: false });
  if (last !== '') check.add({ bytes: Buffer.from(last), isTerminated: false, isContinued: false });
  return check;
}

function findingsIn(text: string, expected: readonly Pick<AuditRecord, 'seq' | 'sha256'>[] = []): string[] {
  const check = checked(text, expected);
  check.end({ mayBeTorn: false });
  return check.findings.map(({ line, message }) => `${line} ${message}`);
}

function textOf(records: readonly AuditRecord[]): string {
  return records.map((record) => `${lineOf(record)}\n`).join('');
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}

const records = chainOf(6);
const text = textOf(records);

test('a log as it was written fits, and its lines are what they were', () => {
  expect(findingsIn(text)).toEqual([]);
  expect(text.trim().split('\n').map(readLine)).toEqual(records.map((record) => ({ record })));
  expect(records[0]).toMatchObject({ seq: 1, previous: '0'.repeat(64) });
});

test('whatever byte of a log is changed, that shows', () => {
  const whole = Buffer.from(text);
  for (let index = 0; index < whole.length; index += 1) {
    const spoilt = Buffer.from(whole);
    spoilt.writeUInt8(whole.readUInt8(index) ^ 1, index);
    expect([index, findingsIn(spoilt.toString('utf8')).length]).not.toEqual([index, 0]);
  }
});

test('a line that was changed with its own hash made to fit shows in the line behind it', () => {
  const forged = sealRecord(at(records, 1), AT, { event: 'put-back', keys: 7_000 });
  const spoilt = textOf([...records.slice(0, 2), forged, ...records.slice(3)]);
  expect(findingsIn(spoilt)).toEqual([
    `4 does not follow on the line before it: that has ${forged.sha256}, this names ${at(records, 2).sha256}`,
  ]);
});

test.each([
  ['taken out', [0, 1, 3, 4, 5], ['3 is number 4 after 2: number 3 is missing']],
  ['taken out in a row', [0, 4, 5], ['2 is number 5 after 1: numbers 2 to 4 are missing']],
  ['put in twice', [0, 1, 1, 2], ['3 is number 2 after 2']],
])('lines that were %s are missed', (_what, order, findings) => {
  expect(findingsIn(textOf(order.map((index) => at(records, index))))).toEqual(findings);
});

test('lines cut off the end, or written anew with hashes that fit, are missed by who knows a line', () => {
  const known = at(records, 5);
  expect(findingsIn(textOf(records.slice(0, 4)))).toEqual([]);
  expect(findingsIn(textOf(records.slice(0, 4)), [known])).toEqual([
    `4 number 6 with SHA-256 ${known.sha256} is missing: the lines are numbers 1 to 4`,
  ]);
  const other = [...records.slice(0, 4)];
  for (const keys of [1, 2])
    other.push(sealRecord(at(other, other.length - 1), AT, { event: 'put-back', keys }));
  expect(findingsIn(textOf(other))).toEqual([]);
  expect(findingsIn(textOf(other), [known])).toEqual([
    `6 is number 6 with SHA-256 ${at(other, 5).sha256}, and ${known.sha256} was expected`,
  ]);
  expect(findingsIn(text, [known, at(records, 2)])).toEqual([]);
});

test('a torn end is told apart from damage, and fits once the next line notes exactly those bytes', () => {
  for (const cut of [1, 40, 200]) {
    const piece = lineOf(at(records, 2)).slice(0, cut);
    const torn = textOf(records.slice(0, 2)) + piece;
    const end = checked(torn).tornEnd;
    expect(end).toMatchObject({
      line: 3,
      isTerminated: false,
      sizeBytes: Buffer.byteLength(piece) + 1,
    });
    expect(findingsIn(torn)).toEqual([expect.stringMatching(/^3 is torn, as a crash leaves one/)]);

    const { sizeBytes, sha256 } = end ?? { sizeBytes: 0, sha256: '' };
    const note = sealRecord(at(records, 1), AT, { event: 'torn-line', sizeBytes, sha256 });
    expect(findingsIn(`${torn}\n${lineOf(note)}\n`)).toEqual([]);
    const otherBytes = `${torn.slice(0, -1)}#\n${lineOf(note)}\n`;
    expect(findingsIn(otherBytes)).toEqual([expect.stringMatching(/^3 is no line of an audit log/)]);
  }
});

test('a last line that lacks nothing but its line end is whole', () => {
  const check = checked(text.slice(0, -1));
  expect(check).toMatchObject({ lacksLineEnd: true, tornEnd: undefined, last: { seq: 6 } });
  expect(findingsIn(text.slice(0, -1))).toEqual([]);
  expect(checked(text)).toMatchObject({ lacksLineEnd: false });
});

test('what stands between lines and is noted by none is damage, and so is a note of nothing', () => {
  const lines = text.split('\n');
  lines.splice(2, 0, 'a line of somebody', 'and one more');
  expect(findingsIn(lines.join('\n'))).toEqual(['3 is no line of an audit log (32 bytes)']);
  const sha256 = createHash('sha256').digest('hex');
  const note = sealRecord(at(records, 5), AT, { event: 'torn-line', sizeBytes: 0, sha256 });
  expect(findingsIn(text + textOf([note]))).toEqual(['7 notes a torn line, and none stands in front of it']);
});

test('an event of a newer release is a line like any other', () => {
  const newer = sealRecord(at(records, 5), AT, { event: 'teleported', to: { host: 'h9' } });
  expect(findingsIn(text + textOf([newer]))).toEqual([]);
});

test('a line that says the same in other words is not what an agent wrote', () => {
  const spaced = text.replace('"event":{', '"event": {');
  expect(findingsIn(spaced)).toEqual(['1 is written otherwise than an agent writes it']);
});
