import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { openMesh } from '../../../src/mesh/mesh.ts';
import { makeCertificates, renewCertificate } from '../../support/certificates.ts';
import { expectState, lastErrorOf, makeFleet, NEVER, stateOf, type Fleet } from './meshes.ts';
import { connectRaw } from './raw-peer.ts';

test('agents with certificates of one CA know one another by name', async () => {
  await using fleet = await makeFleet(['a', 'b', 'c'], true);
  const [a, b] = await Promise.all([fleet.open('a'), fleet.open('b'), fleet.open('c')]);
  await expectState(a, 'b', 'connected');
  await expectState(a, 'c', 'connected');
  await expectState(b, 'a', 'connected');

  expect(await a.request('b', 'm', 1, { signal: NEVER })).toMatchObject({ peer: 'a' });
  expect(await b.request('a', 'm', 1, { signal: NEVER })).toMatchObject({ peer: 'b' });
});

test('an agent of another CA gets in nowhere, although it has the right name', async () => {
  await using fleet = await makeFleet(['a', 'b'], true);
  const a = await fleet.open('a');
  const elsewhere = join(fleet.directory, 'elsewhere');
  await mkdir(elsewhere);
  const others = await makeCertificates(elsewhere, ['b']);
  const b = await fleet.open('b', { tls: { caFile: others.caFile, ...certOf(others, 'b') } });

  await expectState(a, 'b', 'refused');
  await expectState(b, 'a', 'refused');
  await expect(a.request('b', 'm', 1, { signal: NEVER })).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
});

test('a certificate of the right CA that names no peer is refused', async () => {
  await using fleet = await makeFleet(['a', 'b', 'stranger'], true);
  await fleet.open('a', { peers: [{ name: 'b', url: fleet.urlOf('b') }] });
  const stranger = await fleet.open('stranger', { peers: [{ name: 'a', url: fleet.urlOf('a') }] });

  await expectState(stranger, 'a', 'refused');
  expect(lastErrorOf(stranger, 'a')).toMatch(/answered 403: the certificate names no peer.*DNS:stranger/);
});

test('a server with the certificate of another peer than the one dialled is refused', async () => {
  await using fleet = await makeFleet(['a', 'b', 'c'], true);
  await fleet.open('c', { peers: [{ name: 'a', url: fleet.urlOf('a') }] });
  // a believes that b is where c listens; the URL's host would fit c's certificate.
  const a = await fleet.open('a', { peers: [{ name: 'b', url: fleet.urlOf('c') }] });

  await expectState(a, 'b', 'refused');
  expect(lastErrorOf(a, 'b')).toContain('the certificate is not that of b: its alternative names are DNS:c');
});

test('a peer may not say that it is another one than its certificate says', async () => {
  await using fleet = await makeFleet(['a', 'b', 'c'], true);
  await fleet.open('a');
  const certificate = fleet.certificates?.certs['b'];
  const socket = await rawTls(fleet, certificate);
  socket.write(upgradeRequest());
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('101 Switching Protocols');
  socket.write(maskedText(JSON.stringify({ ...hello, agent: 'c' })));
  const text = await untilEnd(socket);

  expect(text).toContain('PEER_REFUSED');
  expect(text).toContain('a expected b');
});

test('a client without a certificate is not served', async () => {
  await using fleet = await makeFleet(['a', 'b'], true);
  await fleet.open('a');
  const ca = await readFile(fleet.certificates?.caFile ?? '');

  const asking = request(`https://127.0.0.1:${fleet.portOf('a')}/v1/files/x`, { ca, agent: false });
  asking.end();
  const [error] = (await once(asking, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toMatch(/ERR_SSL|ECONNRESET|EPIPE/);
});

test('TLS older than 1.2 is not spoken', async () => {
  await using fleet = await makeFleet(['a', 'b'], true);
  await fleet.open('a');

  const socket = connect({
    host: '127.0.0.1',
    port: fleet.portOf('a'),
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
    rejectUnauthorized: false,
  });
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toMatch(/ERR_SSL|ECONNRESET|EPROTO/);
});

test('a renewed CA and certificates are used by new connections, without a restart', async () => {
  await using fleet = await makeFleet(['a', 'b'], true);
  const minute = steppedClock();
  const a = await fleet.open('a', { clock: minute.clock });
  const elsewhere = join(fleet.directory, 'elsewhere');
  await mkdir(elsewhere);
  const renewed = await makeCertificates(elsewhere, ['a', 'b']);
  const newFiles = { caFile: renewed.caFile, ...certOf(renewed, 'b') };
  const b = await fleet.open('b', { tls: newFiles });
  await expectState(b, 'a', 'refused');
  await expectState(a, 'b', 'refused');

  const { caFile = '', certs = {} } = fleet.certificates ?? {};
  await copyFile(renewed.caFile, caFile);
  await copyFile(certOf(renewed, 'a').certFile, certs['a']?.certFile ?? '');
  // Half a renewal: certificate and key do not fit. The listener keeps the old ones.
  await minute.pass();
  await copyFile(certOf(renewed, 'a').keyFile, certs['a']?.keyFile ?? '');
  await expectState(a, 'b', 'connected');
  await minute.pass();

  await expect.poll(() => b.request('a', 'm', 1, { signal: NEVER })).toMatchObject({ peer: 'b' });
  await expect.poll(() => a.links()[0]?.lastError).toBeUndefined();
});

test('a certificate of another agent is refused at the start', async () => {
  await using fleet = await makeFleet(['a', 'b'], true);
  const files = { caFile: fleet.certificates?.caFile ?? '', ...fleet.certificates?.certs['b'] };
  const tls = { certFile: '', keyFile: '', ...files };

  await expect(fleet.open('a', { tls })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('is not the certificate of a') as string,
  });
  await expect(fleet.open('a', { tls: { ...tls, keyFile: tls.caFile } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  await expect(fleet.open('a', { tls: { ...tls, caFile: '/nowhere/ca' } })).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
  });
  await renewCertificate(fleet.directory, 'a');
  expect((await fleet.open('a')).port).toBe(fleet.portOf('a'));
});

test('agents with different secrets refuse each other, and find together once the file is mended', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const otherSecret = join(fleet.directory, 'other');
  await writeFile(otherSecret, 'another secret of 16 bytes or more', { mode: 0o600 });
  const a = await fleet.open('a');
  const b = await fleet.open('b', { secretFile: otherSecret });
  await expectState(a, 'b', 'refused');
  await expectState(b, 'a', 'refused');
  expect(lastErrorOf(a, 'b')).toMatch(/secret|did not prove/);

  await copyFile(fleet.secretFile, otherSecret);
  await expectState(a, 'b', 'connected');
});

test('a secret that is short, or that every user can read, is not used', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const short = join(fleet.directory, 'short');
  await writeFile(short, 'fifteen bytes..\n', { mode: 0o600 });
  await expect(fleet.open('a', { secretFile: short })).rejects.toThrow('holds 15 bytes');
  await chmod(fleet.secretFile, 0o644);
  await expect(fleet.open('a')).rejects.toThrow('has mode 644');
  await expect(fleet.open('a', { secretFile: '/nowhere/secret' })).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
  });
});

test.each([
  ['listens beyond loopback without TLS', { listen: { host: '0.0.0.0', port: 1 } }, 'not on 0.0.0.0'],
  [
    'listens on a name that may mean anything',
    { listen: { host: 'localhost', port: 1 } },
    'not on localhost',
  ],
  [
    'dials beyond loopback without TLS',
    { peers: [{ name: 'b', url: 'ws://10.0.0.1:1' }] },
    'and is at ws://10.0.0.1:1',
  ],
  ['has no TLS and a wss URL', { peers: [{ name: 'b', url: 'wss://127.0.0.1:1' }] }, 'must begin with ws://'],
  ['is its own peer', { peers: [{ name: 'a', url: 'ws://127.0.0.1:1' }] }, 'is this agent itself'],
  [
    'has a peer that anybody could be',
    { peers: [{ name: 'localhost', url: 'ws://127.0.0.1:1' }] },
    'anybody',
  ],
])('an agent that %s is not started', async (_what, overrides, message) => {
  await using fleet = await makeFleet(['a', 'b']);
  const opening = openMesh(fleet.optionsOf('a', overrides));
  await expect(opening).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(message) as string,
  });
});

test('without TLS there is no agent without a secret, unless it has no peers', async () => {
  await using fleet = await makeFleet(['a']);
  const { secretFile: _, ...options } = fleet.optionsOf('a');
  const peers = [{ name: 'b', url: 'ws://127.0.0.1:1' }];
  await expect(openMesh({ ...options, peers })).rejects.toThrow('need a shared secret file');

  const alone = await openMesh(options);
  expect(alone.links()).toEqual([]);
  await expect(connectRaw(`ws://127.0.0.1:${alone.port}`)).rejects.toThrow('403');
  await alone.close();
});

test('an agent whose peer URL leads to itself says so', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const a = await fleet.open('a', { peers: [{ name: 'b', url: fleet.urlOf('a') }] });

  await expectState(a, 'b', 'refused');
  expect(lastErrorOf(a, 'b')).toContain('a reached itself');
  expect(stateOf(a, 'b')).toBe('refused');
});

const hello = {
  kind: 'hello',
  protocol: { oldest: 1, newest: 1 },
  journalId: 'raw',
  release: '9',
  nonce: 'ab'.repeat(32),
};

function certOf(
  certificates: { certs: Readonly<Record<string, { certFile: string; keyFile: string }>> },
  name: string,
): { certFile: string; keyFile: string } {
  return certificates.certs[name] ?? { certFile: '', keyFile: '' };
}

async function rawTls(
  fleet: Fleet,
  files: { certFile: string; keyFile: string } | undefined,
): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port: fleet.portOf('a'),
    ca: await readFile(fleet.certificates?.caFile ?? ''),
    cert: await readFile(files?.certFile ?? ''),
    key: await readFile(files?.keyFile ?? ''),
  });
  await once(socket, 'secureConnect');
  return socket;
}

function upgradeRequest(): string {
  return [
    'GET /v1/mesh HTTP/1.1',
    'Host: a',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n');
}

/** One masked text frame of 126 to 65,535 bytes, with a mask of zeros. */
function maskedText(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.from([0x81, 0x80 | 126, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

async function untilEnd(socket: TLSSocket): Promise<string> {
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  await once(socket, 'end');
  socket.destroy();
  return text;
}

/** The real clock, but for sleeps of a minute: those end when the test says so. */
function steppedClock(): { clock: Clock; pass(): Promise<void> } {
  const waiting = new Set<() => void>();
  return {
    clock: {
      now: () => systemClock.now(),
      sleep: async (ms, signal) => {
        if (ms < 60_000) {
          await systemClock.sleep(ms, signal);
          return;
        }
        await new Promise<void>((resolve, reject) => {
          waiting.add(resolve);
          signal?.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        });
      },
    },
    pass: async () => {
      const [wake] = waiting;
      waiting.clear();
      wake?.();
      await expect.poll(() => waiting.size).toBe(1);
    },
  };
}
