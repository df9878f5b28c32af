import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asAgentError } from '../../../src/base/agent-error.ts';
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
  await etcd.ctl('user', 'add', 'operator:old');
  await etcd.ctl('user', 'grant-role', 'operator', 'root');
  await etcd.ctl('user', 'grant-role', 'root', 'root');
  await etcd.ctl('user', 'grant-role', 'reader', 'read');
  await etcd.ctl('auth', 'enable');
});

afterAll(async () => {
  await etcd[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function connectAs(
  user: string,
  password: string,
  endpoint = etcd.endpoint,
  requestTimeoutMs = 5000,
): Promise<EtcdClient> {
  const passwordFile = join(directory.path, `${user}-${password}`);
  await writeFile(passwordFile, `${password}\n`);
  return connectEtcd({ endpoint, requestTimeoutMs, auth: { user, passwordFile } });
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

test('without a quorum nobody gets a token, and who has one, or is not asked for one, still reads the member', async () => {
  await using lonely = await startEtcd();
  await lonely.ctl('user', 'add', 'root:secret');
  await lonely.ctl('user', 'grant-role', 'root', 'root');
  await lonely.ctl('auth', 'enable');
  const known = await connectAs('root', 'secret', lonely.endpoint);
  await known.range({ key: 'k' }, never);
  const asRoot = ['--user', 'root:secret'];
  await lonely.ctl(...asRoot, 'member', 'add', 'absent', '--peer-urls', 'http://127.0.0.1:1');
  await expect.poll(async () => (await known.status(never)).leaderId, { timeout: 10_000 }).toBeUndefined();
  expect((await known.members(never)).members).toHaveLength(2);
  expect((await known.range({ key: 'k', serializable: true }, never)).count).toBe(0);

  const fresh = await connectAs('root', 'secret', lonely.endpoint, 1000);
  const needsToken = !(await known.status(never)).version.startsWith('3.4.');
  expect(await codeOf(fresh.members(never))).toBe(needsToken ? 'ETCD_TIMEOUT' : undefined);
  expect(await codeOf(fresh.range({ key: 'k', serializable: true }, never))).toBe('ETCD_TIMEOUT');
  known.close();
  fresh.close();
});

test('a token that etcd no longer knows is replaced without the caller noticing, for calls and for the stream', async () => {
  const caller = await connectAs('operator', 'old');
  const streamer = await connectAs('operator', 'old');
  await caller.range({ key: 'before' }, never);
  await streamer.range({ key: 'before' }, never);
  // A new password makes etcd forget every token of the user.
  await changePassword('operator', 'new');
  await writeFile(join(directory.path, 'operator-old'), 'new\n');
  expect((await caller.range({ key: 'before' }, never)).count).toBe(1);
  expect(await bytesStreamed(streamer)).toBeGreaterThan(0);
  caller.close();
  streamer.close();
});

async function bytesStreamed(client: EtcdClient): Promise<number> {
  let bytes = 0;
  for await (const { blob } of client.snapshot(never)) bytes += blob.length;
  return bytes;
}

/** By etcd's JSON gateway: etcdctl asks for passwords at a terminal. */
async function changePassword(name: string, password: string): Promise<void> {
  const { token } = (await post('/v3/auth/authenticate', { name: 'root', password: 'secret' })) as {
    token: string;
  };
  await post('/v3/auth/user/changepw', { name, password }, token);
}

async function post(path: string, body: object, token?: string): Promise<unknown> {
  const headers = token === undefined ? {} : { Authorization: token };
  const answer = await fetch(etcd.endpoint + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
}

async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    return asAgentError(error).code;
  }
}
