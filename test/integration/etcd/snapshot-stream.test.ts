import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { connectEtcd, type EtcdClient } from '../../../src/etcd/client.ts';
import type { SnapshotStream } from '../../../src/etcd/snapshot-stream.ts';
import { startEtcd, type RunningEtcd } from '../../support/etcd-process.ts';
import { freeze } from '../../support/freeze-process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const SHA256_BYTES = 32;
const PATIENT = { timeout: 15_000 };
const never = new AbortController().signal;
let etcd: RunningEtcd;
let client: EtcdClient;

beforeAll(async () => {
  etcd = await startEtcd();
  client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 5000 });
  await fill(client, 24);
});

afterAll(async () => {
  client.close();
  await etcd[Symbol.asyncDispose]();
});

test('the stream is as long as what etcdctl saves, and ends like it in the SHA-256 of the rest', async () => {
  await using directory = await temporaryDirectory();
  const saved = join(directory.path, 'saved.db');
  await etcd.ctl('snapshot', 'save', saved);
  const { bytes } = await readAll(client.snapshot(never));
  // Not the same bytes on every release: etcd 3.6 rewrites its meta page between the two.
  expect(bytes.length).toBe((await readFile(saved)).length);
  expect(bytes.length % 512).toBe(SHA256_BYTES);
  const trailer = bytes.subarray(-SHA256_BYTES).toString('hex');
  expect(createHash('sha256').update(bytes.subarray(0, -SHA256_BYTES)).digest('hex')).toBe(trailer);
});

test('the remaining bytes count down to nothing, the trailer not among them', async () => {
  const { bytes, steps } = await readAll(client.snapshot(never));
  const databaseBytes = bytes.length - SHA256_BYTES;
  let expected = databaseBytes;
  for (const { size, remainingBytes } of steps.slice(0, -1)) {
    expected -= size;
    expect(remainingBytes).toBe(expected);
  }
  expect(steps.at(-1)).toEqual({ size: SHA256_BYTES, remainingBytes: 0 });
});

test('a reader that stops pins the read transaction, stops the server, and lets go of both when cancelled', async () => {
  const unhandled: unknown[] = [];
  const collect = (reason: unknown): void => {
    unhandled.push(reason);
  };
  process.on('unhandledRejection', collect);
  onTestFinished(() => {
    process.off('unhandledRejection', collect);
  });
  await expect.poll(openReadTransactions, PATIENT).toBe(1);
  await untilNoCallIsOpen();
  const handledBefore = await snapshotsHandled();
  const sentBefore = await metric('etcd_network_client_grpc_sent_bytes_total');

  const stream = client.snapshot(never);
  const iterator = stream[Symbol.asyncIterator]();
  const first = await iterator.next();
  await iterator.next();
  await expect.poll(openReadTransactions, PATIENT).toBe(2);
  // Other calls are not held up by the stopped one.
  await fill(client, 2);
  await expect.poll(openReadTransactions, PATIENT).toBe(2);
  expect(await snapshotsHandled()).toBe(handledBefore);
  const databaseBytes = first.done === true ? 0 : first.value.blob.length + first.value.remainingBytes;
  const sent = (await metric('etcd_network_client_grpc_sent_bytes_total')) - sentBefore;
  expect(sent).toBeLessThan(databaseBytes / 4);

  stream.cancel();
  await expect.poll(snapshotsHandled, PATIENT).toBe(handledBefore + 1);
  await expect.poll(openReadTransactions, PATIENT).toBe(1);
  await expect(iterator.next()).rejects.toMatchObject({ code: 'CANCELLED' });
  expect((await iterator.next()).done).toBe(true);
  expect(unhandled).toEqual([]);
});

test('cancelling before the first chunk is asked for opens nothing', async () => {
  const stream = client.snapshot(never);
  stream.cancel();
  await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('cancelling wakes a reader that waits for a stopped server', async () => {
  await using stopped = await startEtcd();
  const other = connectEtcd({ endpoint: stopped.endpoint, requestTimeoutMs: 5000 });
  await fill(other, 8);
  const stream = other.snapshot(never);
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  await freeze(stopped.pid);
  const rest = drain(iterator);
  setImmediate(() => {
    stream.cancel();
  });
  await expect(rest).rejects.toMatchObject({ code: 'CANCELLED' });
  other.close();
});

test('the caller’s signal ends the stream', async () => {
  const controller = new AbortController();
  const iterator = client.snapshot(controller.signal)[Symbol.asyncIterator]();
  await iterator.next();
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(iterator.next()).rejects.toMatchObject({ code: 'CANCELLED', cause: reason });
});

test('leaving the loop early ends the call at etcd too', async () => {
  await untilNoCallIsOpen();
  const handledBefore = await snapshotsHandled();
  for await (const { remainingBytes } of client.snapshot(never)) {
    expect(remainingBytes).toBeGreaterThan(0);
    break;
  }
  await expect.poll(snapshotsHandled, PATIENT).toBe(handledBefore + 1);
  await expect.poll(openReadTransactions, PATIENT).toBe(1);
});

test('a stream is read once', async () => {
  const stream = client.snapshot(never);
  await readAll(stream);
  expect(() => stream[Symbol.asyncIterator]()).toThrow('only once');
});

test('when etcd is killed in the middle the reader learns it, and never sees an end', async () => {
  await using doomed = await startEtcd();
  const other = connectEtcd({ endpoint: doomed.endpoint, requestTimeoutMs: 5000 });
  await fill(other, 24);
  const iterator = other.snapshot(never)[Symbol.asyncIterator]();
  await iterator.next();
  await doomed.stop('SIGKILL');
  await expect(drain(iterator)).rejects.toMatchObject({
    code: 'ETCD_UNREACHABLE',
    message: expect.stringContaining('Maintenance/Snapshot') as string,
  });
  other.close();
});

test('a snapshot of a member that is not there is unreachable', async () => {
  await using gone = await startEtcd();
  await gone.stop('SIGKILL');
  const other = connectEtcd({ endpoint: gone.endpoint, requestTimeoutMs: 5000 });
  await expect(readAll(other.snapshot(never))).rejects.toMatchObject({ code: 'ETCD_UNREACHABLE' });
  other.close();
});

interface Streamed {
  readonly bytes: Buffer;
  readonly steps: readonly { readonly size: number; readonly remainingBytes: number }[];
}

async function readAll(stream: SnapshotStream): Promise<Streamed> {
  const blobs: Buffer[] = [];
  const steps: { size: number; remainingBytes: number }[] = [];
  for await (const { blob, remainingBytes } of stream) {
    blobs.push(blob);
    steps.push({ size: blob.length, remainingBytes });
  }
  return { bytes: Buffer.concat(blobs), steps };
}

async function drain(iterator: AsyncIterator<unknown>): Promise<void> {
  while ((await iterator.next()).done !== true);
}

async function fill(target: EtcdClient, mebibytes: number): Promise<void> {
  const value = Buffer.alloc(1 << 20, 'x');
  for (let index = 0; index < mebibytes; index += 1) await target.put({ key: `fill/${index}`, value }, never);
}

/** etcd keeps one open for its reads, and counts when it commits, so something is written first. */
async function openReadTransactions(): Promise<number> {
  await client.put({ key: 'count', value: '1' }, never);
  return await metric('etcd_mvcc_db_open_read_transactions');
}

/** A call that an earlier test cancelled ends at etcd a moment later: it is not to be counted as one of this test. */
async function untilNoCallIsOpen(): Promise<void> {
  await expect.poll(async () => (await snapshotsStarted()) - (await snapshotsHandled()), PATIENT).toBe(0);
}

async function snapshotsStarted(): Promise<number> {
  return await snapshotCalls('grpc_server_started_total');
}

/** How many snapshot calls have ended, well or badly. */
async function snapshotsHandled(): Promise<number> {
  return await snapshotCalls('grpc_server_handled_total');
}

async function snapshotCalls(counter: string): Promise<number> {
  const lines = (await metrics()).filter(
    (line) => line.startsWith(`${counter}{`) && line.includes('grpc_method="Snapshot"'),
  );
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function metric(name: string): Promise<number> {
  const line = (await metrics()).find((candidate) => candidate.startsWith(`${name} `));
  if (line === undefined) throw new Error(`etcd has no metric ${name}`);
  return Number(line.slice(name.length));
}

async function metrics(): Promise<string[]> {
  return (await (await fetch(`${etcd.endpoint}/metrics`)).text()).split('\n');
}
