import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openPageFile } from '../../../src/bbolt/page-file.ts';
import type { Surroundings } from '../../../src/cli/session.ts';
import type { EtcdTlsFiles } from '../../../src/etcd/connection-options.ts';
import { connectEtcd, type EtcdClient } from '../../../src/etcd/client.ts';
import { keySourceOf, type KeySource } from '../../../src/put-back/key-source.ts';
import { typed, type Finished } from '../../support/command-line.ts';
import { startEtcd, type EtcdOptions, type RunningEtcd } from '../../support/etcd-process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

export const never = new AbortController().signal;

/** A living cluster, its client, and a place for snapshots of it. */
export interface PutBackScene extends AsyncDisposable {
  readonly etcd: RunningEtcd;
  readonly client: EtcdClient;
  readonly directory: string;
  /** Adds a line to section `etcd` of the configuration, instead of the one before. */
  configure(etcdLine: string): Promise<void>;
  /** Streams a snapshot to a file of its own. */
  save(): Promise<string>;
  /** Puts keys in order, each a revision of its own. */
  put(keyValues: Readonly<Record<string, string>>): Promise<void>;
  /** The keys that begin with `prefix`, with their values; bytes as Latin-1. */
  get(prefix?: string): Promise<Record<string, string>>;
  revision(): Promise<number>;
  /** Runs `lifeboat snapshot put-back`. */
  putBack(args: readonly string[], changes?: Partial<Surroundings>): Promise<Finished>;
}

export async function putBackScene(
  options: EtcdOptions & { readonly tls?: EtcdTlsFiles } = {},
): Promise<PutBackScene> {
  const directory = await temporaryDirectory();
  const etcd = await startEtcd(options);
  const { tls } = options;
  const client = connectEtcd({
    endpoint: etcd.endpoint,
    requestTimeoutMs: 5000,
    ...(tls === undefined ? {} : { tls }),
  });
  const configFile = join(directory.path, 'config.yaml');
  const configure = (etcdLine: string): Promise<void> =>
    writeFile(configFile, configText(etcd, directory.path, etcdLine));
  await configure(tls === undefined ? '' : `tls: ${JSON.stringify(tls)}`);
  let saved = 0;
  return {
    etcd,
    client,
    directory: directory.path,
    configure,
    save: async () => {
      saved += 1;
      const path = join(directory.path, `snapshot-${saved}.db`);
      await etcd.ctl('snapshot', 'save', path);
      return path;
    },
    put: async (keyValues) => {
      for (const [key, value] of Object.entries(keyValues)) await client.put({ key, value }, never);
    },
    get: async (prefix = '') => {
      const range =
        prefix === '' ? { key: '\0', rangeEnd: '\0' } : { key: prefix, rangeEnd: `${prefix}\u{10ffff}` };
      const { keyValues } = await client.range(range, never);
      return Object.fromEntries(
        keyValues.map(({ key, value }) => [key.toString('latin1'), value.toString('latin1')]),
      );
    },
    revision: async () => (await client.status(never)).revision,
    putBack: (args, changes) => typed(['--config', configFile, 'snapshot', 'put-back', ...args], changes),
    [Symbol.asyncDispose]: async () => {
      client.close();
      await etcd[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** What is put back from a snapshot, without the command around it. */
export function openSource(path: string, scratchDirectory: string): KeySource & Disposable {
  const file = openPageFile(path);
  return {
    ...keySourceOf(file, { scratchDirectory }),
    [Symbol.dispose]: () => {
      file.close();
    },
  };
}

/** The lines of `-o json`, by their kind. */
export function linesOf({ stdout }: Finished): Record<string, Record<string, unknown>[]> {
  const byKind: Record<string, Record<string, unknown>[]> = {};
  for (const text of stdout.trim().split('\n')) {
    const line = JSON.parse(text) as Record<string, unknown>;
    const kind = typeof line['kind'] === 'string' ? line['kind'] : 'error';
    (byKind[kind] ??= []).push(line);
  }
  return byKind;
}

export async function sha256Of(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

function configText(etcd: RunningEtcd, directory: string, etcdLine: string): string {
  return [
    `agent: { name: h1, stateDir: ${directory}/state, controlSocket: ${directory}/control.sock }`,
    `etcd:`,
    `  memberName: ${etcd.name}`,
    `  peerUrls: ['${etcd.peerUrl}']`,
    `  dataDir: ${etcd.dataDir}`,
    `  endpoint: ${etcd.endpoint}`,
    `  ${etcdLine}`,
    `supervisor: { kind: command, start: [/bin/true], stop: [/bin/true], status: [/bin/true] }`,
    `mesh: { listen: '127.0.0.1:7400', peers: [], secretFile: ${directory}/secret }`,
    '',
  ].join('\n');
}
