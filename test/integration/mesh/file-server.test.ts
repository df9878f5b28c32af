import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { bodyOf, drained, makeScene, MIB, rawGet, rawLine, statusOf, ticketOf } from './transfer-scene.ts';

test('a client that never reads is cut off after the stall time', async () => {
  await using scene = await makeScene({ sizeBytes: 64 * MIB, limits: { maxTransfers: 1, stallMs: 100 } });
  const holder = await rawGet(scene.fleet, scene.a, '/v1/files/f-1');
  holder.pause();
  // The place is free again although the client is still there.
  await expect
    .poll(async () => {
      const next = await rawGet(scene.fleet, scene.a, '/v1/files/f-1', { range: 'bytes=67108863-' });
      next.destroy();
      return next.statusCode;
    })
    .toBe(206);
  holder.on('error', () => undefined);
  holder.destroy();
});

test('nothing is served without a ticket, twice for one ticket, or for the ticket of another file', async () => {
  await using scene = await makeScene({ sizeBytes: 100 });
  const { fleet, a } = scene;
  const port = fleet.portOf('b');
  expect(await statusOf(port, '/v1/files/f-1')).toBe(401);
  expect(await statusOf(port, '/v1/files/f-1', { authorization: 'Bearer nonsense' })).toBe(401);
  expect(await statusOf(port, '/v1/files/f-1', { authorization: `Bearer ${'0'.repeat(64)}` })).toBe(403);
  expect(await statusOf(port, '/')).toBe(401);

  const authorization = `Bearer ${await ticketOf(a, 'f-1')}`;
  expect(await statusOf(port, '/v1/files/f-1', { authorization })).toBe(200);
  expect(await statusOf(port, '/v1/files/f-1', { authorization })).toBe(403);
  const forOther = `Bearer ${await ticketOf(a, 'other')}`;
  expect(await statusOf(port, '/v1/files/f-1', { authorization: forOther })).toBe(403);
});

test('no request target leads out of the files', async () => {
  await using scene = await makeScene({ sizeBytes: 100, withTls: false });
  for (const target of [
    '/v1/files/../../etc/passwd',
    '/v1/files/..',
    '/v1/files/.hidden',
    '/v1/files/%2e%2e%2fsecret',
    '/v1/files/f-1/../../secret',
    '/v1/files/f-1?x=1',
    '/v1/files//etc/passwd',
    '/v1/files/',
    `/v1/files/${'x'.repeat(129)}`,
    'http://127.0.0.1/v1/files/f-1',
  ]) {
    const answer = await rawLine(
      scene.fleet.portOf('b'),
      `GET ${target} HTTP/1.1`,
      await ticketOf(scene.a, 'f-1'),
    );
    expect(`${target} ${answer}`).toMatch(/ HTTP\/1\.1 40[034] /);
  }
  expect(scene.located()).toBe(0);
  const ticket = await ticketOf(scene.a, 'f-1');
  expect(await rawLine(scene.fleet.portOf('b'), 'DELETE /v1/files/f-1 HTTP/1.1', ticket)).toContain(' 405 ');
});

test('ranges are answered as HTTP has it', async () => {
  await using scene = await makeScene({ sizeBytes: 1000 });
  const ask = (headers: Record<string, string>): Promise<IncomingMessage> =>
    rawGet(scene.fleet, scene.a, '/v1/files/f-1', headers);

  const part = await ask({ range: 'bytes=990-' });
  expect(part.statusCode).toBe(206);
  expect(part.headers).toMatchObject({
    'content-length': '10',
    'content-range': 'bytes 990-999/1000',
    etag: `"${scene.file.sha256}"`,
  });
  expect(scene.file.bytes.subarray(990).equals(await bodyOf(part))).toBe(true);
  expect((await drained(await ask({ range: 'bytes=1000-' }))).statusCode).toBe(416);
  expect((await drained(await ask({ range: 'bytes=1-2,4-5' }))).statusCode).toBe(200);
  expect((await drained(await ask({ 'if-match': '"0"' }))).statusCode).toBe(412);
});

test('a mesh that closes cuts its transfers', async () => {
  await using scene = await makeScene({ sizeBytes: 64 * MIB });
  const transfer = await rawGet(scene.fleet, scene.a, '/v1/files/f-1');
  const broken = once(transfer, 'error');
  await scene.b.close();
  transfer.resume();
  await broken;
  expect(transfer.complete).toBe(false);
});
