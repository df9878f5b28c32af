import { once } from 'node:events';
import { link, lstat, readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import type { ControlLine } from '../../../src/formats/control.ts';
import { openControlServer } from '../../../src/http/control-server.ts';
import { collectLog, startControlAgent, withDefects } from '../../support/control-agent.ts';
import { sampleStatus } from '../../support/control-samples.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

interface Answer {
  readonly status: number;
  readonly lines: readonly ControlLine[];
}

/** Speaks HTTP by hand, so that a test can also say what no client would. */
async function ask(socketPath: string, path: string, body: string, method = 'POST'): Promise<Answer> {
  const socket = await open(socketPath);
  socket.write(
    `${method} ${path} HTTP/1.1\r\nhost: agent\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return parseAnswer((await socket.toArray()).join(''));
}

async function open(socketPath: string): Promise<Socket> {
  const socket = connect(socketPath);
  await once(socket, 'connect');
  return socket;
}

function parseAnswer(text: string): Answer {
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
  // Chunk sizes stand on lines of their own; ours begin with a brace.
  const lines = text.split(/\r?\n/).filter((line) => line.startsWith('{'));
  return { status, lines: lines.map((line) => JSON.parse(line) as ControlLine) };
}

function errorOf(answer: Answer): { code: string; message: string } {
  const line = answer.lines.at(-1);
  return line?.type === 'error' ? line.error : { code: 'none', message: JSON.stringify(answer) };
}

test('a method is answered with its progress, then its result', async () => {
  await using agent = await startControlAgent({
    'snapshot.save': async ({ skipUnchanged }, { onProgress }) => {
      onProgress({ phase: 'streaming', bytes: 1 });
      return await Promise.resolve({
        removed: [],
        ...(skipUnchanged ? { skipped: 'unchanged' as const } : {}),
      });
    },
  });

  expect(await ask(agent.socketPath, '/v1/snapshot.save', '{"skipUnchanged":true}')).toEqual({
    status: 200,
    lines: [
      { type: 'progress', progress: { phase: 'streaming', bytes: 1 } },
      { type: 'result', result: { removed: [], skipped: 'unchanged' } },
    ],
  });
});

test('a failure travels with its code, hint and details, and only a defect is logged', async () => {
  await using agent = await startControlAgent({
    'snapshot.copy': () =>
      Promise.reject(new AgentError('COPY_TORN', 'page 3 moved', { details: { page: 3 } })),
  });

  expect((await ask(agent.socketPath, '/v1/snapshot.copy', '{}')).lines).toEqual([
    {
      type: 'error',
      error: {
        code: 'COPY_TORN',
        message: 'page 3 moved',
        hint: expect.stringContaining('Run it again') as string,
        details: { page: 3 },
      },
    },
  ]);
  expect(agent.logged).toEqual([]);
  expect(errorOf(await ask(agent.socketPath, '/v1/status', '{}'))).toMatchObject({
    code: 'INTERNAL',
    message: 'no handler for this method',
  });
  expect(agent.logged).toEqual(['error a request on the control socket failed']);
});

test.each([
  ['/v1/restore.run', '{"planHash":"x","requestedBy":"me"}', 'params.planHash: must be a SHA-256'],
  ['/v1/snapshot.save', '{"skipUnchanged":true,"fast":true}', 'fast'],
  ['/v1/snapshot.save', 'nonsense', 'is not JSON (8 characters)'],
  ['/v1/snapshot.import', JSON.stringify({ path: `/${'x'.repeat(65_536)}` }), 'is longer than 65536 bytes'],
  ['/v1/snapshot.import', JSON.stringify({ path: 'relative' }), 'params.path: must be an absolute path'],
])('%s is refused when its parameters do not fit: %#', async (path, body, message) => {
  await using agent = await startControlAgent({});
  const answer = await ask(agent.socketPath, path, body);

  expect(answer.status).toBe(400);
  expect(errorOf(answer)).toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(message) as string,
  });
});

test.each([
  ['POST', '/v1/toString'],
  ['POST', '/v1/etcd.delete'],
  ['POST', '/'],
  ['GET', '/v1/status'],
])('%s %s is no method of the agent', async (method, path) => {
  await using agent = await startControlAgent({ status: () => Promise.resolve(sampleStatus()) });
  const answer = await ask(agent.socketPath, path, '', method);

  expect(answer.status).toBe(404);
  expect(errorOf(answer).code).toBe('METHOD_UNKNOWN');
});

test('the work learns that its client went away', async () => {
  const started = deferred<AbortSignal>();
  await using agent = await startControlAgent({
    'snapshot.save': async (_params, { signal }) => {
      started.resolve(signal);
      return await untilAborted(signal);
    },
  });
  const socket = await open(agent.socketPath);
  socket.write(
    'POST /v1/snapshot.save HTTP/1.1\r\nhost: a\r\ncontent-length: 23\r\n\r\n{"skipUnchanged":false}',
  );
  const signal = await started.promise;
  expect(signal.aborted).toBe(false);
  socket.destroy();

  await expect.poll(() => signal.aborted).toBe(true);
  expect(signal.reason).toMatchObject({ code: 'CANCELLED', message: 'the client went away' });
});

test('closing aborts open work, answers its client, removes the socket, and does not wait for the stubborn', async () => {
  const working = deferred<undefined>();
  const agent = await startControlAgent({
    'snapshot.copy': async (_params, { signal }) => await untilAborted(signal),
    'snapshot.list': () => {
      working.resolve(undefined);
      return new Promise(() => undefined);
    },
  });
  const obedient = ask(agent.socketPath, '/v1/snapshot.copy', '{}');
  const stubborn = ask(agent.socketPath, '/v1/snapshot.list', '{}');
  await working.promise;
  await agent.server.close();

  expect(errorOf(await obedient)).toMatchObject({ code: 'AGENT_UNREACHABLE' });
  expect((await stubborn).lines).toEqual([]);
  await expect(lstat(agent.socketPath)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('the socket is for its owner and group, in a directory made for it', async () => {
  await using directory = await temporaryDirectory();
  const socketPath = join(directory.path, 'run', 'control.sock');
  const server = await openControlServer({ socketPath, handlers: withDefects({}), log: collectLog([]) });
  const socket = await stat(socketPath);
  await server.close();

  expect((socket.mode & 0o777).toString(8)).toBe('660');
  expect(((await stat(join(directory.path, 'run'))).mode & 0o777).toString(8)).toBe('755');
});

test.skipIf(process.getuid?.() !== 0)('the socket goes to the group that is named (needs root)', async () => {
  await using directory = await temporaryDirectory();
  const daemon = /^daemon:[^:]*:(\d+):/m.exec(await readFile('/etc/group', 'utf8'))?.[1];
  const socketPath = join(directory.path, 'control.sock');
  const options = { socketPath, handlers: withDefects({}), log: collectLog([]) };
  const server = await openControlServer({ ...options, group: 'daemon' });
  const { gid } = await stat(socketPath);
  await server.close();

  expect(gid).toBe(Number(daemon));
});

test('a group that nobody has made is a wrong configuration, and nothing is left listening', async () => {
  await using directory = await temporaryDirectory();
  const socketPath = join(directory.path, 'control.sock');
  const options = { socketPath, handlers: withDefects({}), log: collectLog([]) };

  await expect(openControlServer({ ...options, group: 'no-such-group' })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('no-such-group') as string,
  });
  await expect(lstat(socketPath)).rejects.toMatchObject({ code: 'ENOENT' });
});

test("a dead agent's socket is replaced, a living one's is not", async () => {
  await using directory = await temporaryDirectory();
  const socketPath = join(directory.path, 'control.sock');
  await leaveStaleSocket(socketPath);
  const options = { socketPath, handlers: withDefects({}), log: collectLog([]) };
  const server = await openControlServer(options);

  await expect(openControlServer(options)).rejects.toMatchObject({ code: 'AGENT_ALREADY_RUNNING' });
  expect((await ask(socketPath, '/v1/status', '{}')).status).toBe(200);
  await server.close();
});

test('a file that is no socket is never replaced', async () => {
  await using directory = await temporaryDirectory();
  const socketPath = join(directory.path, 'control.sock');
  await writeFile(socketPath, 'precious');

  await expect(
    openControlServer({ socketPath, handlers: withDefects({}), log: collectLog([]) }),
  ).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await readFile(socketPath, 'utf8')).toBe('precious');
});

test('the 65th connection at once is closed, and the others are served', async () => {
  await using agent = await startControlAgent({ status: () => Promise.resolve(sampleStatus()) });
  const idle = await Promise.all(Array.from({ length: 64 }, () => open(agent.socketPath)));
  const refused = await open(agent.socketPath);
  expect(await refused.toArray()).toEqual([]);
  idle.pop()?.destroy();

  await expect
    .poll(async () => (await ask(agent.socketPath, '/v1/status', '{}').catch(() => undefined))?.status)
    .toBe(200);
  for (const socket of idle) socket.destroy();
});

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return {
    promise,
    resolve: (value) => {
      resolve(value);
    },
  };
}

/** The kernel keeps the name of a socket whose server is gone; only node tidies its own first name away. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.first`);
  await once(server, 'listening');
  await link(`${path}.first`, path);
  server.close();
  await once(server, 'close');
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  await once(signal, 'abort');
  throw signal.reason;
}
