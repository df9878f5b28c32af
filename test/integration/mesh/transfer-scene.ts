import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { hashFile } from '../../../src/base/hash-file.ts';
import { expect } from 'vitest';
import type { LocatedFile, MeshLimits } from '../../../src/mesh/mesh-options.ts';
import type { Mesh } from '../../../src/mesh/mesh.ts';
import { expectState, makeFile, makeFleet, NEVER, type Fleet } from './meshes.ts';
import { startProxy, type ProxyOptions } from './tcp-proxy.ts';

export const MIB = 1024 * 1024;

export interface SceneOptions {
  readonly sizeBytes: number;
  readonly withTls?: boolean;
  /** Of b, which serves. */
  readonly limits?: Partial<MeshLimits>;
  /** Of a, which downloads. */
  readonly ownLimits?: Partial<MeshLimits>;
  readonly proxy?: Omit<ProxyOptions, 'targetPort'>;
}

export interface Scene extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly a: Mesh;
  readonly b: Mesh;
  readonly toPath: string;
  readonly file: Awaited<ReturnType<typeof makeFile>>;
  download(overrides?: object): Promise<void>;
  /** What b says that it has from now on. */
  offer(file: LocatedFile): void;
  /** How often b was asked for a file. */
  located(): number;
  requests(): string;
  files(): Promise<string[]>;
  serveDirectly(): Promise<void>;
}

/** Agent a downloads from agent b, through a proxy where the test wants one. */
export async function makeScene(options: SceneOptions): Promise<Scene> {
  const fleet = await makeFleet(['a', 'b'], options.withTls ?? false);
  const file = await makeFile(join(fleet.directory, 'source'), options.sizeBytes);
  const target = join(fleet.directory, 'target');
  await mkdir(target);
  let offered: LocatedFile = file;
  let located = 0;
  const { limits = {}, ownLimits = {} } = options;
  const b = await fleet.open('b', {
    limits,
    locateFile: (id) => {
      located += 1;
      return Promise.resolve(id === 'f-1' ? offered : undefined);
    },
  });
  const targetPort = fleet.portOf('b');
  const proxy = options.proxy === undefined ? undefined : await startProxy({ targetPort, ...options.proxy });
  const url = proxy === undefined ? fleet.urlOf('b') : `ws://127.0.0.1:${proxy.port}`;
  let a = await fleet.open('a', { limits: ownLimits, peers: [{ name: 'b', url }] });
  await expectState(a, 'b', 'connected');
  const toPath = join(target, 'copy');
  return {
    fleet,
    get a() {
      return a;
    },
    b,
    toPath,
    file,
    download: async (overrides = {}) => {
      const { sizeBytes, sha256 } = file;
      const expected = { sizeBytes, sha256 };
      await a.download({ peer: 'b', fileId: 'f-1', toPath, expected, signal: NEVER, ...overrides });
    },
    offer: (next) => {
      offered = next;
    },
    located: () => located,
    requests: () => proxy?.requests ?? '',
    files: () => readdir(target),
    serveDirectly: async () => {
      await a.close();
      a = await fleet.open('a', { limits: ownLimits, peers: [{ name: 'b', url: fleet.urlOf('b') }] });
      await expectState(a, 'b', 'connected');
    },
    [Symbol.asyncDispose]: async () => {
      await fleet[Symbol.asyncDispose]();
      await proxy?.[Symbol.asyncDispose]();
    },
  };
}

export async function expectArrived({ file, toPath }: Scene): Promise<void> {
  const { sizeBytes, sha256 } = file;
  expect(await hashFile(toPath, NEVER)).toEqual({ sizeBytes, sha256 });
}

export async function ticketOf(asker: Mesh, fileId: string): Promise<string> {
  const { ticket } = (await asker.request('b', 'mesh.ticket', { fileId }, { signal: NEVER })) as {
    ticket: string;
  };
  return ticket;
}

export async function rawGet(
  fleet: Fleet,
  asker: Mesh,
  path: string,
  headers: IncomingHttpHeaders = {},
): Promise<IncomingMessage> {
  const authorization = `Bearer ${await ticketOf(asker, 'f-1')}`;
  const asking = request({
    host: '127.0.0.1',
    port: fleet.portOf('b'),
    path,
    agent: false,
    headers: { ...headers, authorization },
  });
  asking.end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  return answer;
}

export async function statusOf(
  port: number,
  path: string,
  headers: IncomingHttpHeaders = {},
): Promise<number | undefined> {
  const asking = request({ host: '127.0.0.1', port, path, headers, agent: false });
  asking.end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  return (await drained(answer)).statusCode;
}

export async function rawLine(port: number, line: string, ticket: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`${line}\r\nHost: x\r\nAuthorization: Bearer ${ticket}\r\nConnection: close\r\n\r\n`);
  let text = '';
  for await (const bytes of socket as AsyncIterable<Buffer>) text += bytes.toString();
  return text.split('\r\n', 1)[0] ?? '';
}

export async function drained(answer: IncomingMessage): Promise<IncomingMessage> {
  await bodyOf(answer);
  return answer;
}

export async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
