import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFile } from './meshes.ts';
import { expectArrived, makeScene, MIB, rawGet } from './transfer-scene.ts';

test.each([
  ['by ticket', false],
  ['by certificate', true],
])('a file arrives whole, private and under its name, %s', async (_how, withTls) => {
  await using scene = await makeScene({ sizeBytes: 3 * MIB + 17, withTls });
  const seen: number[] = [];
  await scene.download({ onBytes: (bytes: number) => seen.push(bytes) });

  await expectArrived(scene);
  expect((await stat(scene.toPath)).mode & 0o777).toBe(0o600);
  expect(await scene.files()).toEqual(['copy']);
  expect(seen.at(-1)).toBe(scene.file.sizeBytes);
  expect(seen).toEqual(seen.toSorted((one, other) => one - other));
});

test('an empty file arrives too', async () => {
  await using scene = await makeScene({ sizeBytes: 0 });
  await scene.download();
  expect((await stat(scene.toPath)).size).toBe(0);
});

test('a transfer that breaks goes on where it ended', async () => {
  await using scene = await makeScene({
    sizeBytes: 5 * MIB,
    proxy: { cutAfterBytes: (transfer) => (transfer === 0 ? 2 * MIB : undefined) },
  });
  await scene.download();

  await expectArrived(scene);
  const ranges = [...scene.requests().matchAll(/Range: bytes=(\d+)-/g)].map(([, from]) => Number(from));
  expect(ranges).toHaveLength(1);
  expect(ranges[0]).toBeGreaterThan(MIB);
  expect(scene.requests().match(/GET \/v1\/files/g)).toHaveLength(2);
});

test('what arrived stays when the server dies, and the next call asks for the rest only', async () => {
  await using scene = await makeScene({
    sizeBytes: 5 * MIB,
    // One try brings a part, and all later ones nothing.
    proxy: { cutAfterBytes: (transfer) => (transfer === 0 ? 2 * MIB : 0) },
  });
  const failure = await scene.download().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'TRANSFER_FAILED', retryable: true });
  const kept = (await stat(`${scene.toPath}.partial`)).size;
  expect(failure).toMatchObject({ details: { keptBytes: kept, sizeBytes: 5 * MIB } });
  expect(kept).toBeGreaterThan(MIB);
  expect(await scene.files()).toEqual(['copy.partial']);

  await scene.serveDirectly();
  const seen: number[] = [];
  await scene.download({ onBytes: (bytes: number) => seen.push(bytes) });
  expect(seen[0]).toBeGreaterThan(kept);
  await expectArrived(scene);
});

test('a part that belongs to another file is found out, and the download starts again', async () => {
  await using scene = await makeScene({ sizeBytes: 2 * MIB });
  const other = await makeFile(join(scene.fleet.directory, 'other'), MIB, 77);
  await writeFile(`${scene.toPath}.partial`, other.bytes);
  await scene.download();

  await expectArrived(scene);
});

test('a part that is longer than the file is thrown away', async () => {
  await using scene = await makeScene({ sizeBytes: MIB });
  await writeFile(`${scene.toPath}.partial`, Buffer.alloc(MIB + 1));
  await scene.download();

  await expectArrived(scene);
});

test('a file that became another one between two tries is not continued', async () => {
  await using scene = await makeScene({
    sizeBytes: 3 * MIB,
    proxy: { cutAfterBytes: () => 2 * MIB },
  });
  const onBytes = (): void => {
    scene.offer({ ...scene.file, sha256: 'f'.repeat(64) });
  };
  await expect(scene.download({ onBytes })).rejects.toMatchObject({
    code: 'STORAGE_ABSENT',
    message: expect.stringContaining(
      `answered 412 for f-1: the file here has the SHA-256 ${'f'.repeat(64)}`,
    ) as string,
  });
  expect(await scene.files()).toEqual(['copy.partial']);
});

test('one bit that flips on the way is found, and nothing is left', async () => {
  await using scene = await makeScene({
    sizeBytes: 2 * MIB,
    proxy: {
      change: (bytes) => {
        const changed = Buffer.from(bytes);
        if (bytes.length > 4096) changed[4000] = (changed[4000] ?? 0) ^ 1;
        return changed;
      },
    },
  });
  await expect(scene.download()).rejects.toMatchObject({ code: 'STORAGE_CORRUPTED' });
  expect(await scene.files()).toEqual([]);
});

test('a file of another length than expected is refused before its bytes', async () => {
  await using scene = await makeScene({ sizeBytes: MIB });
  const { sha256 } = scene.file;
  await expect(scene.download({ expected: { sizeBytes: MIB - 1, sha256 } })).rejects.toMatchObject({
    code: 'STORAGE_CORRUPTED',
    message: expect.stringContaining(`announces ${MIB} bytes`) as string,
  });
  expect(await scene.files()).toEqual([]);
});

test('a file that the peer finds shorter than recorded is not sent', async () => {
  await using scene = await makeScene({ sizeBytes: MIB });
  scene.offer({ ...scene.file, sizeBytes: MIB + 1 });
  const expected = { sizeBytes: MIB + 1, sha256: scene.file.sha256 };
  await expect(scene.download({ expected })).rejects.toMatchObject({
    code: 'TRANSFER_FAILED',
    message: expect.stringContaining('answered 500') as string,
  });
});

test('a file that is not there, and an id that is a path, are absent', async () => {
  await using scene = await makeScene({ sizeBytes: 10 });
  await expect(scene.download({ fileId: 'unknown' })).rejects.toMatchObject({ code: 'STORAGE_ABSENT' });
  await expect(scene.download({ fileId: '../copy' })).rejects.toMatchObject({ code: 'STORAGE_ABSENT' });
  await expect(scene.download({ peer: 'x' })).rejects.toMatchObject({ code: 'PEER_UNKNOWN' });
});

test('a cancelled download keeps its part', async () => {
  await using scene = await makeScene({ sizeBytes: 8 * MIB });
  const caller = new AbortController();
  const onBytes = (bytes: number): void => {
    if (bytes > 2 * MIB) caller.abort(new Error('enough'));
  };
  await expect(scene.download({ signal: caller.signal, onBytes })).rejects.toMatchObject({
    code: 'CANCELLED',
  });
  expect((await stat(`${scene.toPath}.partial`)).size).toBeGreaterThan(2 * MIB);
});

test('two downloads to one path do not write into each other', async () => {
  await using scene = await makeScene({ sizeBytes: MIB });
  const first = scene.download();
  await expect(scene.download()).rejects.toMatchObject({ code: 'TRANSFER_FAILED' });
  await first;
  await expectArrived(scene);
});

test('a peer that stops sending is given up, and what arrived is kept', async () => {
  await using scene = await makeScene({
    sizeBytes: 5 * MIB,
    ownLimits: { stallMs: 100 },
    proxy: { silentAfterBytes: 2 * MIB },
  });
  await expect(scene.download()).rejects.toMatchObject({
    code: 'TRANSFER_FAILED',
    message: expect.stringMatching(/no byte moved for 100 ms; \d+ of 5242880 bytes are kept/) as string,
  });
  expect((await stat(`${scene.toPath}.partial`)).size).toBeGreaterThan(MIB);
});

test('a peer that serves as many as it may says so, and the download waits for its turn', async () => {
  await using scene = await makeScene({ sizeBytes: 64 * MIB, limits: { maxTransfers: 1 } });
  // A client that reads nothing holds the only place.
  const holder = await rawGet(scene.fleet, scene.a, '/v1/files/f-1');
  expect(holder.statusCode).toBe(200);
  const refused = await rawGet(scene.fleet, scene.a, '/v1/files/f-1');
  expect(refused.statusCode).toBe(503);
  expect(refused.headers['retry-after']).toBe('1');
  refused.destroy();
  const downloading = scene.download();
  await expect.poll(() => scene.located()).toBe(1);
  holder.destroy();
  await downloading;

  expect((await stat(scene.toPath)).size).toBe(64 * MIB);
});
