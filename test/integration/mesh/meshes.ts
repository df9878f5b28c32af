import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { MeshOptions } from '../../../src/mesh/mesh-options.ts';
import { openMesh, type Mesh } from '../../../src/mesh/mesh.ts';
import { makeCertificates, type Certificates } from '../../support/certificates.ts';
import { freePorts } from '../../support/free-port.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

export const NEVER = new AbortController().signal;
const QUICK = { firstMs: 20, longestMs: 100 };

type Overrides = Partial<MeshOptions>;

/** Agents a, b, … of one cluster on loopback, not opened yet. */
export interface Fleet extends AsyncDisposable {
  readonly directory: string;
  readonly secretFile: string;
  readonly certificates: Certificates | undefined;
  urlOf(name: string): string;
  portOf(name: string): number;
  optionsOf(name: string, overrides?: Overrides): MeshOptions;
  /** Opened, and closed with the fleet. */
  open(name: string, overrides?: Overrides): Promise<Mesh>;
}

export async function makeFleet(names: readonly string[], withTls = false): Promise<Fleet> {
  const directory = await temporaryDirectory();
  const secretFile = join(directory.path, 'secret');
  await writeFile(secretFile, 'a secret of the test, long enough\n', { mode: 0o600 });
  const certificates = withTls ? await makeCertificates(directory.path, names) : undefined;
  const freed = await freePorts(names.length);
  const ports = new Map(names.map((name, at) => [name, freed[at] ?? 0]));
  const opened: Mesh[] = [];
  const portOf = (name: string): number => ports.get(name) ?? 0;
  const urlOf = (name: string): string => `${withTls ? 'wss' : 'ws'}://127.0.0.1:${portOf(name)}`;
  const optionsOf = (name: string, overrides: Overrides = {}): MeshOptions => {
    const own = certificates?.certs[name];
    return {
      self: name,
      release: '1.2.3',
      journalId: `journal-of-${name}`,
      listen: { host: '127.0.0.1', port: portOf(name) },
      peers: names.filter((other) => other !== name).map((other) => ({ name: other, url: urlOf(other) })),
      ...(certificates === undefined || own === undefined
        ? { secretFile }
        : { tls: { caFile: certificates.caFile, ...own } }),
      reconnect: QUICK,
      clock: systemClock,
      onRequest: (peer, method, params) => Promise.resolve({ peer, method, params }),
      locateFile: () => Promise.resolve(undefined),
      ...overrides,
    };
  };
  return {
    directory: directory.path,
    secretFile,
    certificates,
    urlOf,
    portOf,
    optionsOf,
    open: async (name, overrides) => {
      const mesh = await openMesh(optionsOf(name, overrides));
      opened.push(mesh);
      return mesh;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map((mesh) => mesh.close()));
      await directory[Symbol.asyncDispose]();
    },
  };
}

export function stateOf(mesh: Mesh, peer: string): string | undefined {
  return mesh.links().find((link) => link.peer === peer)?.state;
}

export function lastErrorOf(mesh: Mesh, peer: string): string | undefined {
  return mesh.links().find((link) => link.peer === peer)?.lastError;
}

export async function expectState(mesh: Mesh, peer: string, state: string): Promise<void> {
  await expect.poll(() => stateOf(mesh, peer), { interval: 10, timeout: 10_000 }).toBe(state);
}

/** Writes a file of `sizeBytes` bytes that look random and are the same in every run. */
export async function makeFile(
  path: string,
  sizeBytes: number,
  seed = 1,
): Promise<{ path: string; sizeBytes: number; sha256: string; bytes: Buffer }> {
  const bytes = Buffer.alloc(sizeBytes);
  let value = seed;
  for (let at = 0; at + 4 <= sizeBytes; at += 4) {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
    bytes.writeInt32LE(value, at);
  }
  await writeFile(path, bytes);
  return { path, sizeBytes, sha256: createHash('sha256').update(bytes).digest('hex'), bytes };
}

/** Sockets and servers that this process holds: what a test must give back. */
export function openHandles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCP|TLS/.test(name));
}

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
