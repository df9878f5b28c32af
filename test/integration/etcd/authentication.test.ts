import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectEtcd, type EtcdClient } from '../../../src/etcd/client.ts';
import { startEtcd, type RunningEtcd } from '../../support/etcd-process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const never = new AbortController().signal;
let etcd: RunningEtcd;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  etcd = await startEtcd();
  await etcd.ctl('put', 'before', 'authentication');
  await etcd.ctl('user', 'add', 'root:secret');
  await etcd.ctl('user', 'add', 'reader:other');
  await etcd.ctl('role', 'add', 'read');
  await etcd.ctl('role', 'grant-permission', 'read', 'read', 'before');
  await etcd.ctl('user', 'grant-role', 'root', 'root');
  await etcd.ctl('user', 'grant-role', 'reader', 'read');
  await etcd.ctl('auth', 'enable');
});

afterAll(async () => {
  await etcd[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function connectAs(user: string, password: string, endpoint = etcd.endpoint): Promise<EtcdClient> {
  const passwordFile = join(directory.path, `${user}-${password}`);
  await writeFile(passwordFile, `${password}\n`);
  return connectEtcd({ endpoint, requestTimeoutMs: 5000, auth: { user, passwordFile } });
}

test('root reads, hashes and streams', async () => {
  const client = await connectAs('root', 'secret');
  expect((await client.range({ key: 'before' }, never)).count).toBe(1);
  expect((await client.hashKv(0, never)).hash).toBeGreaterThan(0);
  expect(await bytesStreamed(client)).toBeGreaterThan(0);
  client.close();
});

test('a wrong password, a wrong user and no user at all are refused', async () => {
  const refused = { code: 'ETCD_AUTH_FAILED', retryable: false };
  for (const client of [
    await connectAs('root', 'wrong'),
    await connectAs('nobody', 'secret'),
    connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 5000 }),
  ]) {
    await expect(client.range({ key: 'before' }, never)).rejects.toMatchObject(refused);
    await expect(bytesStreamed(client)).rejects.toMatchObject(refused);
    client.close();
  }
});

test('a user without the root role reads its keys, and gets no HashKV and no snapshot', async () => {
  const client = await connectAs('reader', 'other');
  expect((await client.range({ key: 'before' }, never)).count).toBe(1);
  const refused = {
    code: 'ETCD_AUTH_FAILED',
    message: expect.stringContaining('permission denied') as string,
  };
  await expect(client.range({ key: 'elsewhere' }, never)).rejects.toMatchObject(refused);
  await expect(client.hashKv(0, never)).rejects.toMatchObject(refused);
  await expect(bytesStreamed(client)).rejects.toMatchObject(refused);
  client.close();
});

test('a password file that is absent is named', async () => {
  const passwordFile = join(directory.path, 'absent');
  const client = connectEtcd({
    endpoint: etcd.endpoint,
    requestTimeoutMs: 5000,
    auth: { user: 'root', passwordFile },
  });
  await expect(client.range({ key: 'before' }, never)).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
    message: expect.stringContaining(passwordFile) as string,
  });
  client.close();
});

test('where authentication is switched off, a configured user does no harm', async () => {
  await using open = await startEtcd();
  const client = await connectAs('root', 'secret', open.endpoint);
  expect((await client.range({ key: 'k' }, never)).count).toBe(0);

  await open.ctl('user', 'add', 'root:secret');
  await open.ctl('user', 'grant-role', 'root', 'root');
  await open.ctl('auth', 'enable');
  expect((await client.range({ key: 'k' }, never)).count).toBe(0);
  client.close();
});

test('a token that etcd forgot is replaced without the caller noticing, for calls and for the stream', async () => {
  const caller = await connectAs('root', 'secret');
  const streamer = await connectAs('root', 'secret');
  await caller.range({ key: 'before' }, never);
  await streamer.range({ key: 'before' }, never);
  // Simple tokens live in the member's memory.
  await etcd.stop();
  await using again = await startEtcd({
    dataDir: etcd.dataDir,
    clientUrl: etcd.endpoint,
    peerUrl: etcd.peerUrl,
    ctlFlags: ['--user', 'root:secret'],
  });
  await expect.poll(() => isReachable(caller), { timeout: 10_000 }).toBe(true);
  expect((await caller.range({ key: 'before' }, never)).count).toBe(1);
  expect(await bytesStreamed(streamer)).toBeGreaterThan(0);

  // Another user's change makes every older token stale: "revision of auth store is old".
  await again.ctl('user', 'add', 'third:pw');
  expect((await caller.range({ key: 'before' }, never)).count).toBe(1);
  caller.close();
  streamer.close();
});

async function bytesStreamed(client: EtcdClient): Promise<number> {
  let bytes = 0;
  for await (const { blob } of client.snapshot(never)) bytes += blob.length;
  return bytes;
}

async function isReachable(client: EtcdClient): Promise<boolean> {
  try {
    await client.status(never);
    return true;
  } catch {
    return false;
  }
}
