import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { readWal, type WalFacts } from '../../../src/wal/read-wal.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { framed, smallLog, type LogImage } from './log-image.ts';

const NEVER = new AbortController().signal;

let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
let directories = 0;

beforeAll(async () => {
  scratch = await temporaryDirectory();
});

afterAll(async () => {
  await scratch[Symbol.asyncDispose]();
});

async function written(image: LogImage): Promise<string> {
  directories += 1;
  return await image.write(join(scratch.path, String(directories)));
}

async function factsOf(image: LogImage, newest?: Buffer): Promise<WalFacts> {
  directories += 1;
  return await readWal(await image.write(join(scratch.path, String(directories)), newest), NEVER);
}

const LENGTHS = [
  ['2^56 - 1', 'ffffffffffffff00'],
  ['2^64 - 1', 'ffffffffffffffff'],
  ['2^63', '0000000000000080'],
  ['2^31', '0000008000000000'],
  ['one more than the file has', undefined],
] as const;

test.each(LENGTHS)('a log that claims a record of %s bytes is refused', async (_name, hex) => {
  const image = smallLog();
  const rest = Buffer.alloc(1000, 'x');
  const length = Buffer.alloc(8);
  length.writeUInt32LE(rest.length + 1);
  const claim = hex === undefined ? length : Buffer.from(hex, 'hex');

  await expect(factsOf(image, Buffer.concat([image.bytes(), claim, rest]))).rejects.toMatchObject({
    code: 'WAL_DAMAGED',
  });
});

test.each([
  ['an unknown type', '08091001'],
  ['a type that is no number', '0a00'],
  ['a sum beyond 32 bits', '0802' + '108080808010' + '1a00'],
  ['a number that does not end', '08' + 'ff'.repeat(11)],
  ['a group', '0b0c'],
  ['data that reaches beyond the record', '080210001a7f00'],
  ['data of 2^63 bytes', '080210001a' + '80808080808080808001'],
  ['nothing at all', '00'.repeat(8)],
])('a log whose record has %s is refused', async (_name, hex) => {
  const image = smallLog();
  const after = Buffer.alloc(64, 'x');

  const facts = factsOf(image, Buffer.concat([image.bytes(), framed(Buffer.from(hex, 'hex')).bytes, after]));

  await expect(facts).rejects.toMatchObject({ code: 'WAL_DAMAGED' });
});

test.each([
  ['metadata without IDs', 1, ''],
  ['an entry whose index is 2^64 - 1', 2, '18' + 'ff'.repeat(9) + '01'],
  ['an entry whose index is bytes', 2, '1a0101'],
  ['a state that is cut', 3, '18'],
  ['a snapshot that is text', 5, Buffer.from('snapshot').toString('hex')],
])('a log that holds %s, with a sum that fits, is refused', async (_name, type, hex) => {
  await expect(factsOf(smallLog().record(type, Buffer.from(hex, 'hex')))).rejects.toMatchObject({
    code: 'WAL_DAMAGED',
  });
});

test('a log made of random bytes is refused, and never hangs', async () => {
  const image = smallLog();
  let seed = 1;
  const noise = Buffer.from(Array.from({ length: 4096 }, () => (seed = (seed * 16807) % 0x7fffffff) & 0xff));
  for (let start = 0; start < 64; start += 1) {
    const bytes = Buffer.concat([image.bytes(), noise.subarray(start)]);
    await expect(factsOf(image, bytes)).rejects.toMatchObject({ code: 'WAL_DAMAGED' });
  }
});

test('a log changed at random places gives facts or an error with a code, and nothing else', async () => {
  const image = smallLog().cut().state(2, 4).entry(5, 2, Buffer.alloc(3000, 'x')).entry(6, 2);
  const directory = await written(image);
  const paths = image.segments.map(({ name }) => join(directory, name));
  const originals = image.segments.map((_, position) => image.bytes(position));
  let seed = 7;
  const draw = (below: number): number => (seed = (seed * 16807) % 0x7fffffff) % below;
  const outcomes = new Map<string, number>();

  for (let round = 0; round < 120; round += 1) {
    const which = draw(2);
    const bytes = Buffer.from(originals[which] ?? '');
    for (let change = 0; change <= draw(3); change += 1) bytes[draw(bytes.length)] = draw(256);
    await writeFile(paths[which] ?? '', bytes);
    const outcome = await readWal(directory, NEVER).then(
      ({ clusterId }) => `facts of ${clusterId}`,
      (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
    );
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    await writeFile(paths[which] ?? '', originals[which] ?? '');
  }

  // The padding and the type of a record are under no sum.
  expect(['WAL_DAMAGED', 'facts of cdf818194e3a8c32']).toEqual(expect.arrayContaining([...outcomes.keys()]));
  expect(outcomes.get('WAL_DAMAGED')).toBeGreaterThan(80);
});

test('a log whose segments are links, pipes or directories is not followed', async () => {
  const image = smallLog();
  const directory = await written(image);
  const path = join(directory, image.segments[0]?.name ?? '');
  const elsewhere = join(scratch.path, 'elsewhere.wal');
  await rename(path, elsewhere);

  await symlink(elsewhere, path);
  await expect(readWal(directory, NEVER)).rejects.toMatchObject({ code: 'WAL_UNREADABLE' });
  await rm(path);
  execFileSync('mkfifo', [path]);
  await expect(readWal(directory, NEVER)).rejects.toMatchObject({ code: 'WAL_UNREADABLE' });
  await rm(path);
  await mkdir(path);
  await expect(readWal(directory, NEVER)).rejects.toMatchObject({ code: 'WAL_UNREADABLE' });
});
