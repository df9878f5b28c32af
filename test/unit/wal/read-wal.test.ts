import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readLogIdentity } from '../../../src/wal/read-identity.ts';
import { readWal, type WalFacts } from '../../../src/wal/read-wal.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { allocated, LogImage, smallLog } from './log-image.ts';

const NEVER = new AbortController().signal;
const MIB = 1 << 20;
const IDENTITY = { memberId: '8e9e05c52164694d', clusterId: 'cdf818194e3a8c32' };

let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
let directories = 0;

beforeAll(async () => {
  scratch = await temporaryDirectory();
});

afterAll(async () => {
  await scratch[Symbol.asyncDispose]();
});

async function written(image: LogImage, newest?: Buffer): Promise<string> {
  directories += 1;
  return await image.write(join(scratch.path, String(directories)), newest);
}

async function factsOf(image: LogImage, newest?: Buffer): Promise<WalFacts> {
  return await readWal(await written(image, newest), NEVER);
}

function changed(bytes: Buffer, at: number, to: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = to;
  return copy;
}

describe('a log', () => {
  test('says who wrote it and how far it goes', async () => {
    const image = smallLog();

    expect(await factsOf(image, allocated(image.bytes()))).toEqual({
      ...IDENTITY,
      lastIndex: 4,
      lastTerm: 2,
      commitIndex: 3,
      snapshotIndex: 0,
      segments: 1,
    });
  });

  test('goes on from segment to segment, and its oldest segments may be gone', async () => {
    const image = smallLog().cut().state(2, 4).entry(5, 3).snapshot(4, 2).cut().entry(6, 3).state(3, 6);
    const directory = await written(image, allocated(image.bytes()));
    const facts = { ...IDENTITY, lastIndex: 6, lastTerm: 3, commitIndex: 6 };

    expect(await readWal(directory, NEVER)).toEqual({ ...facts, snapshotIndex: 4, segments: 3 });
    await rm(join(directory, image.segments[0]?.name ?? ''));
    expect(await readWal(directory, NEVER)).toEqual({ ...facts, snapshotIndex: 4, segments: 2 });
    await rm(join(directory, image.segments[1]?.name ?? ''));
    expect(await readWal(directory, NEVER)).toEqual({ ...facts, snapshotIndex: 0, segments: 1 });
  });

  test('tells by the name of its newest segment how far it goes when no entry is left in it', async () => {
    const image = smallLog().cut();
    const directory = await written(image);
    await rm(join(directory, image.segments[0]?.name ?? ''));

    expect(await readWal(directory, NEVER)).toMatchObject({ lastIndex: 4, lastTerm: 0 });
  });

  test('of a member that was sent a snapshot goes on behind it', async () => {
    expect(await factsOf(smallLog().snapshot(900, 5).state(5, 900))).toMatchObject({
      lastIndex: 900,
      lastTerm: 5,
      snapshotIndex: 900,
    });
  });

  test('counts the entries that replaced others, not the others', async () => {
    expect(await factsOf(smallLog().entry(2, 3))).toMatchObject({ lastIndex: 2, lastTerm: 3 });
  });

  test('may hold records of any size, of which only a window is held in memory', async () => {
    const image = new LogImage();
    for (let index = 1; index <= 8; index += 1) image.entry(index, 1, Buffer.alloc(index * 700_001, index));
    const bytes = image.bytes();

    expect(await factsOf(image, bytes)).toMatchObject({ lastIndex: 8 });
    // In the middle of the seventh, windows away from its beginning.
    const inside = image.place(9).start + 3 * MIB;
    await expect(factsOf(image, changed(bytes, inside, 0xff))).rejects.toMatchObject({ code: 'WAL_DAMAGED' });
  });

  test('names its writer in its newest segment, whatever is in those before it', async () => {
    const image = smallLog().cut();
    const directory = await written(image);
    await writeFile(join(directory, image.segments[0]?.name ?? ''), 'nothing of the kind');

    expect(await readLogIdentity(directory, NEVER)).toEqual(IDENTITY);
    await expect(readWal(directory, NEVER)).rejects.toMatchObject({ code: 'WAL_DAMAGED' });
  });

  test('is read no further when nobody waits for it any more', async () => {
    const directory = await written(smallLog());

    await expect(readWal(directory, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a torn end', () => {
  const image = smallLog();
  const whole = image.bytes();
  const last = image.place(-1);
  const segment = image.segments[0]?.name;
  const bytesOfTheLast = Array.from({ length: last.end - last.start }, (_, byte) => last.start + byte);
  const before = { lastIndex: 3, commitIndex: 3 };

  test('of a file that ends at any byte of its last record costs that record, and is told', async () => {
    for (const cut of bytesOfTheLast) {
      const facts = await factsOf(image, whole.subarray(0, cut));
      expect(facts).toMatchObject(before);
      expect(facts.torn).toEqual(cut === last.start ? undefined : { segment, offset: last.start });
    }
    // The padding is part of no record, but of the place that etcd gave it.
    expect(await factsOf(image, whole.subarray(0, last.end))).toMatchObject({
      ...(last.end === whole.length ? { lastIndex: 4 } : before),
    });
  });

  test('of zeros from any byte of its last record on costs that record, and is told', async () => {
    for (const cut of bytesOfTheLast) {
      // Eight bytes are written whole, so that no length is ever torn.
      if (cut > last.start && cut < last.start + 8) continue;
      const facts = await factsOf(image, allocated(whole.subarray(0, cut)));
      expect(facts).toMatchObject(before);
      expect(facts.torn).toEqual(cut === last.start ? undefined : { segment, offset: last.start });
    }
    expect(await factsOf(image, allocated(whole.subarray(0, last.end)))).toMatchObject({ lastIndex: 4 });
  });

  test('where a sector never reached the disk, and one behind it did', async () => {
    const long = smallLog().entry(5, 2, Buffer.alloc(5000, 'x')).entry(6, 2);
    const bytes = long.bytes();
    const hole = Math.ceil(long.place(-2).start / 512) * 512 + 1024;
    bytes.fill(0, hole, hole + 512);

    const facts = await factsOf(long, allocated(bytes));

    expect(facts).toMatchObject({ lastIndex: 4, torn: { offset: long.place(-2).start } });
  });

  test('where the first sector never reached the disk', async () => {
    const bytes = Buffer.from(smallLog().entry(5, 2, Buffer.alloc(5000, 'x')).bytes());
    bytes.fill(0, whole.length, whole.length + 1024);

    expect(await factsOf(image, bytes)).toMatchObject({ lastIndex: 4, torn: { offset: whole.length } });
  });
});

describe('damage', () => {
  test('is a byte changed anywhere in a record that others follow, in the newest segment or in one before it', async () => {
    const newest = smallLog();
    const { start, end } = newest.place(4);
    // The sum is over the data alone; the type of a record is under none.
    const typeByte = start + 9;
    const bytes = newest.bytes();
    const older = smallLog().cut().entry(5, 2);
    const directory = await written(older, allocated(older.bytes()));

    for (let at = start; at < end; at += 1) {
      if (at === typeByte) continue;
      const image = changed(bytes, at, (bytes[at] ?? 0) ^ 0x10);
      await expect(factsOf(newest, allocated(image)), `byte ${at}`).rejects.toMatchObject({
        code: 'WAL_DAMAGED',
      });
      await writeFile(join(directory, older.segments[0]?.name ?? ''), image);
      await expect(readWal(directory, NEVER), `byte ${at}`).rejects.toMatchObject({ code: 'WAL_DAMAGED' });
    }
  });

  test('is an older segment that ends early, wherever it ends', async () => {
    const image = smallLog().cut().entry(5, 2);
    const directory = await written(image);
    const first = image.bytes(0);

    for (let cut = 1; cut < first.length; cut += 1) {
      await writeFile(join(directory, image.segments[0]?.name ?? ''), first.subarray(0, cut));
      await expect(readWal(directory, NEVER), `cut at ${cut}`).rejects.toMatchObject({ code: 'WAL_DAMAGED' });
    }
  });

  test('is a segment that is missing between two others', async () => {
    const image = smallLog().cut().entry(5, 2).cut().entry(6, 2);
    const directory = await written(image);
    await rm(join(directory, image.segments[1]?.name ?? ''));

    await expect(readWal(directory, NEVER)).rejects.toMatchObject({
      code: 'WAL_DAMAGED',
      message: expect.stringContaining('segment 2 follows segment 0') as string,
    });
  });

  test('is a segment of another log', async () => {
    const [ours, theirs] = [smallLog().cut(), new LogImage({ clusterId: 7n }).cut()];
    const directory = await written(ours, theirs.bytes());

    await expect(readWal(directory, NEVER)).rejects.toMatchObject({ code: 'WAL_DAMAGED' });
  });

  test('is a log that names two writers', async () => {
    const foreign = new LogImage({ clusterId: 7n });
    const metadata = foreign.bytes().subarray(foreign.place(1).start + 8, foreign.place(1).end);
    const image = smallLog().record(1, metadata.subarray(-20));

    await expect(factsOf(image)).rejects.toMatchObject({ code: 'WAL_DAMAGED' });
  });

  test('is a log of nothing but allocated space', async () => {
    await expect(factsOf(new LogImage(), Buffer.alloc(100_000))).rejects.toMatchObject({
      code: 'WAL_DAMAGED',
      message: expect.stringContaining('no record says whose log it is') as string,
    });
  });
});

test('a directory without a segment, or without itself, is no log', async () => {
  const directory = await written(smallLog());
  await writeFile(join(directory, '0.tmp'), 'the next segment, being made');
  const [name] = smallLog().segments.map((segment) => segment.name);
  await rename(join(directory, name ?? ''), join(directory, `${name ?? ''}.broken`));

  await expect(readWal(directory, NEVER)).rejects.toMatchObject({ code: 'WAL_UNREADABLE' });
  await expect(readLogIdentity(directory, NEVER)).rejects.toMatchObject({ code: 'WAL_UNREADABLE' });
  await expect(readWal(join(directory, 'absent'), NEVER)).rejects.toMatchObject({ code: 'WAL_UNREADABLE' });
});
