import { createHash } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OverlappedWriter } from '../../../src/backup/overlapped-writer.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const MIB = 1 << 20;

/** Bytes that differ from place to place, so that a misplaced block shows. */
function pattern(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at + 4 <= sizeBytes; at += 4) bytes.writeUInt32LE(at, at);
  return bytes;
}

test.each([
  ['nothing', 0, 1],
  ['less than a buffer', 1000, 7],
  ['exactly two buffers', 2 * MIB, 32 * 1024],
  ['pieces larger than a buffer', 5 * MIB + 3, 3 * MIB],
  ['more than is synced at once', 70 * MIB + 1, 300_000],
])('%s arrives on disk in order, and is seen in order', async (_what, sizeBytes, stepBytes) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'file');
  const content = pattern(sizeBytes);
  const seen = createHash('sha256');
  const file = await open(path, 'wx');
  const writer = new OverlappedWriter(file, (block) => {
    seen.update(block);
  });

  for (let at = 0; at < sizeBytes; at += stepBytes) {
    // The caller may reuse its buffer: nothing of it may be held.
    const piece = Buffer.from(content.subarray(at, at + stepBytes));
    await writer.append(piece);
    piece.fill(0);
  }
  await writer.end();
  await writer.settle();
  await file.close();

  expect(writer.sizeBytes).toBe(sizeBytes);
  expect((await readFile(path)).equals(content)).toBe(true);
  expect(seen.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
});

test('a disk that refuses a write fails the save, not the process', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'file');
  await writeFile(path, '');
  const file = await open(path, 'r');
  const writer = new OverlappedWriter(file, () => undefined);

  const writing = (async () => {
    for (let count = 0; count < 100; count += 1) await writer.append(pattern(MIB));
  })();

  await expect(writing).rejects.toThrow('EBADF');
  await writer.settle();
  await file.close();
});
