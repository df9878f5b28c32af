import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { openMonitoringServer, type MonitoringServer } from '../../../src/http/monitoring-server.ts';
import type { MonitoringView } from '../../../src/http/monitoring-request.ts';
import { freePorts } from '../../support/free-port.ts';
import { silentLog } from '../../support/silent-log.ts';

const PASSED = { check: 'state', passed: true, message: 'the journal can be written' };
const FAILED = { check: 'peers', passed: false, message: 'no link to h2' };

const VIEW: MonitoringView = {
  health: () => Promise.resolve([PASSED]),
  readiness: () => Promise.resolve([PASSED, FAILED]),
  metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
};

interface Opened extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly server: MonitoringServer;
}

async function open(view: Partial<MonitoringView> = {}): Promise<Opened> {
  const [port = 0] = await freePorts(1);
  const server = await openMonitoringServer({
    listen: { host: '127.0.0.1', port },
    view: { ...VIEW, ...view },
    log: silentLog,
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

async function answered(response: Promise<Response>): Promise<[number, string]> {
  const { status, text } = await response.then(async (got) => ({
    status: got.status,
    text: await got.text(),
  }));
  return [status, text];
}

/** What a connection gets until the other side ends it. */
async function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString();
  });
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return text;
}

test('a probe that passes says ok, and each check for who wants to know', async () => {
  await using opened = await open();
  expect(await answered(fetch(`${opened.url}/healthz`))).toEqual([200, 'ok\n']);
  expect(await answered(fetch(`${opened.url}/healthz?verbose`))).toEqual([
    200,
    '[+]state: the journal can be written\nhealthz check passed\n',
  ]);
});

test('a probe that fails says which check failed, as text or as JSON', async () => {
  await using opened = await open();
  expect(await answered(fetch(`${opened.url}/readyz`))).toEqual([
    503,
    '[+]state: the journal can be written\n[-]peers: no link to h2\nreadyz check failed\n',
  ]);
  const wanted = JSON.stringify({ passed: false, checks: [PASSED, FAILED] });
  expect(await answered(fetch(`${opened.url}/readyz?format=json`))).toEqual([503, `${wanted}\n`]);
  const headers = { accept: 'application/json' };
  expect(await answered(fetch(`${opened.url}/readyz`, { headers }))).toEqual([503, `${wanted}\n`]);
});

test('metrics are not cached, and HEAD gets their head only', async () => {
  await using opened = await open();
  const response = await fetch(`${opened.url}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(await response.text()).toBe('up 1\n');
  const head = await fetch(`${opened.url}/metrics`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', '']);
});

test('there is nothing else to be had', async () => {
  await using opened = await open();
  for (const path of ['/', '/metrics/', '/v1/status', '//metrics', '/metrics%2f']) {
    const { status } = await fetch(opened.url + path);
    expect([path, status]).toEqual([path, 404]);
  }
  const post = await fetch(`${opened.url}/metrics`, { method: 'POST', body: 'x' });
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('a request with a body is refused, and so is the one behind it', async () => {
  await using opened = await open();
  const socket = connect(opened.port, '127.0.0.1');
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n');
  const text = await untilClosed(socket);
  expect(text).toMatch(/^HTTP\/1\.1 413 /);
  expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
});

test('a head that is too long, or is no HTTP, ends the connection without an answer', async () => {
  await using opened = await open();
  const long = connect(opened.port, '127.0.0.1');
  long.write(`GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(20_000)}\r\n\r\n`);
  expect(await untilClosed(long)).toBe('');
  const other = connect(opened.port, '127.0.0.1');
  other.write('\u0016\u0003\u0001 hello\r\n\r\n');
  expect(await untilClosed(other)).toBe('');
  expect((await fetch(`${opened.url}/healthz`)).status).toBe(200);
});

test('more connections than there is room for are dropped, and those that are there go on', async () => {
  await using opened = await open();
  const room = await Promise.all(
    Array.from({ length: 32 }, async () => {
      const socket = connect(opened.port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    }),
  );
  expect(await untilClosed(connect(opened.port, '127.0.0.1'))).toBe('');
  const [first] = room;
  first?.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  expect(first && (await untilClosed(first))).toMatch(/^HTTP\/1\.1 200 /);
  for (const socket of room) socket.destroy();
});

test('what cannot be looked at is a 503 with its code', async () => {
  await using opened = await open({
    metrics: () => Promise.reject(new AgentError('TIMED_OUT', 'looking took longer than 8000 ms')),
  });
  expect(await answered(fetch(`${opened.url}/metrics`))).toEqual([
    503,
    'TIMED_OUT: looking took longer than 8000 ms\n',
  ]);
});

test('a port that is taken is an error with a code, and one that was closed is free again', async () => {
  const opened = await open({ metrics: () => new Promise(() => undefined) });
  const again = { listen: { host: '127.0.0.1', port: opened.port }, view: VIEW, log: silentLog };
  await expect(openMonitoringServer(again)).rejects.toMatchObject({
    code: 'MONITORING_UNAVAILABLE',
    message: expect.stringContaining(`127.0.0.1:${opened.port}`) as string,
  });
  // Also while somebody waits for an answer that does not come.
  const waiting = fetch(`${opened.url}/metrics`).catch(() => 'cut');
  await fetch(`${opened.url}/healthz`);
  await opened.server.close();
  expect(await waiting).toBe('cut');
  await (await openMonitoringServer(again)).close();
});
