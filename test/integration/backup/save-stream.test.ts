import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { saveStream } from '../../../src/backup/save-stream.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { connectEtcd } from '../../../src/etcd/client.ts';
import type { SnapshotChunk } from '../../../src/etcd/snapshot-chunk.ts';
import type { SnapshotStream } from '../../../src/etcd/snapshot-stream.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { fillEtcd } from '../../support/fill-etcd.ts';
import { snapshotStatus } from '../../support/restore-snapshot.ts';
import { signalOnce } from '../../support/signal-once.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;
const OPTIONS = { stallMs: 20_000, clock: systemClock, signal: NEVER };

/** A stream of a database of `pages` pages, as etcd would send it. */
function* soundChunks(pages: number): Generator<SnapshotChunk> {
  const body = Buffer.alloc(pages * 512, 'etcd');
  const step = 32 * 1024;
  for (let sent = 0; sent < body.length; sent += step) {
    const blob = body.subarray(sent, sent + step);
    yield { blob, remainingBytes: body.length - sent - blob.length };
  }
  yield { blob: createHash('sha256').update(body).digest(), remainingBytes: 0 };
}

function streamOf(chunks: Iterable<SnapshotChunk>): SnapshotStream & { isCancelled: boolean } {
  const stream = {
    isCancelled: false,
    async *[Symbol.asyncIterator]() {
      for (const chunk of chunks) yield await Promise.resolve(chunk);
    },
    cancel: () => {
      stream.isCancelled = true;
    },
  };
  return stream;
}

test("etcd's own tool agrees with what was saved from a running member", async () => {
  await using etcd = await startEtcd();
  await using directory = await temporaryDirectory();
  const client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 5000 });
  await fillEtcd(client, 5);
  const path = join(directory.path, 'db');

  const saved = await saveStream(client.snapshot(NEVER), path, OPTIONS);

  const bytes = await readFile(path);
  expect(await snapshotStatus(path)).toMatchObject({ revision: 81 });
  expect(saved).toEqual({
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
  expect(bytes.subarray(-32)).toEqual(createHash('sha256').update(bytes.subarray(0, -32)).digest());
  client.close();
});

test('progress is told in bytes that grow to the size of the file', async () => {
  await using directory = await temporaryDirectory();
  const seen: number[] = [];
  const options = { ...OPTIONS, onBytes: (bytes: number) => seen.push(bytes) };

  const { sizeBytes } = await saveStream(streamOf(soundChunks(9000)), join(directory.path, 'db'), options);

  expect(seen.at(-1)).toBe(sizeBytes);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
});

test('a member that dies in the middle of the stream leaves no file', async () => {
  await using etcd = await startEtcd();
  await using directory = await temporaryDirectory();
  const client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 5000 });
  await fillEtcd(client, 24);

  const saving = saveStream(client.snapshot(NEVER), join(directory.path, 'db'), {
    ...OPTIONS,
    onBytes: signalOnce(etcd.pid, 'SIGKILL'),
  });

  await expect(saving).rejects.toMatchObject({
    code: expect.stringMatching(/ETCD_UNREACHABLE|SNAPSHOT_TRUNCATED/) as string,
  });
  expect(await readdir(directory.path)).toEqual([]);
  client.close();
});

test('a member that stops answering in the middle of the stream ends the save', async () => {
  await using etcd = await startEtcd();
  await using directory = await temporaryDirectory();
  const client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 5000 });
  await fillEtcd(client, 24);

  const saving = saveStream(client.snapshot(NEVER), join(directory.path, 'db'), {
    ...OPTIONS,
    stallMs: 300,
    onBytes: signalOnce(etcd.pid, 'SIGSTOP'),
  });

  await expect(saving).rejects.toMatchObject({ code: 'SNAPSHOT_STALLED', retryable: true });
  expect(await readdir(directory.path)).toEqual([]);
  client.close();
});

test('a cancelled save leaves no file', async () => {
  await using etcd = await startEtcd();
  await using directory = await temporaryDirectory();
  const client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 5000 });
  await fillEtcd(client, 8);
  const abort = new AbortController();

  const saving = saveStream(client.snapshot(NEVER), join(directory.path, 'db'), {
    ...OPTIONS,
    signal: abort.signal,
    onBytes: () => {
      abort.abort();
    },
  });

  await expect(saving).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await readdir(directory.path)).toEqual([]);
  client.close();
});

test('a byte that changed on the way is noticed, wherever it is', async () => {
  await using directory = await temporaryDirectory();
  const codes: unknown[] = [];
  for (const damaged of [0, 17, 70, 71]) {
    const chunks = [...soundChunks(4500)].map(({ blob, remainingBytes }, index) => {
      const copy = Buffer.from(blob);
      if (index === damaged) copy.writeUInt8(copy.readUInt8(5) ^ 1, 5);
      return { blob: copy, remainingBytes };
    });
    expect(chunks).toHaveLength(72);
    const stream = streamOf(chunks);
    const failure = await saveStream(stream, join(directory.path, 'db'), OPTIONS).catch(
      (error: unknown) => error,
    );
    codes.push((failure as { code?: string }).code, stream.isCancelled);
  }

  expect(codes).toEqual(
    [
      'SNAPSHOT_HASH_MISMATCH',
      'SNAPSHOT_HASH_MISMATCH',
      'SNAPSHOT_HASH_MISMATCH',
      'SNAPSHOT_HASH_MISMATCH',
    ].flatMap((code) => [code, true]),
  );
  expect(await readdir(directory.path)).toEqual([]);
});

test.each([
  ['no message at all', (chunks: SnapshotChunk[]) => chunks.slice(0, 0)],
  ['the trailer missing', (chunks: SnapshotChunk[]) => chunks.slice(0, -1)],
  ['a chunk missing in the middle', (chunks: SnapshotChunk[]) => chunks.toSpliced(3, 1)],
  ['the end missing', (chunks: SnapshotChunk[]) => chunks.slice(0, 10)],
])('a stream that ends well with %s is truncated all the same', async (_what, cut) => {
  await using directory = await temporaryDirectory();
  const stream = streamOf(cut([...soundChunks(4500)]));

  await expect(saveStream(stream, join(directory.path, 'db'), OPTIONS)).rejects.toMatchObject({
    code: 'SNAPSHOT_TRUNCATED',
    retryable: true,
  });

  expect(await readdir(directory.path)).toEqual([]);
});

test('a file that is there already is neither replaced nor removed', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'db');
  await saveStream(streamOf(soundChunks(1)), path, OPTIONS);
  const before = await readFile(path);

  await expect(saveStream(streamOf(soundChunks(2)), path, OPTIONS)).rejects.toThrow('EEXIST');

  expect(await readFile(path)).toEqual(before);
});
