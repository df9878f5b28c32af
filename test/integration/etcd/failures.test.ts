import { expect, test } from 'vitest';
import { connectEtcd } from '../../../src/etcd/client.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { freePorts } from '../../support/free-port.ts';
import { freeze } from '../../support/freeze-process.ts';

const never = new AbortController().signal;

test('an endpoint where nobody listens is unreachable, and the message says which', async () => {
  const [port = 0] = await freePorts(1);
  const client = connectEtcd({ endpoint: `http://127.0.0.1:${port}`, requestTimeoutMs: 5000 });
  await expect(client.status(never)).rejects.toMatchObject({
    code: 'ETCD_UNREACHABLE',
    retryable: true,
    message: expect.stringContaining(`Maintenance/Status at http://127.0.0.1:${port}: `) as string,
    details: { grpcStatus: 'UNAVAILABLE' },
  });
  client.close();
});

test('an endpoint that is no URL is named before anything is dialled', async () => {
  const client = connectEtcd({ endpoint: 'localhost:2379', requestTimeoutMs: 5000 });
  await expect(client.status(never)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('a member that hangs runs into the deadline, and answers again when it goes on', async () => {
  await using etcd = await startEtcd();
  const client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 300 });
  await client.status(never);
  await freeze(etcd.pid);
  await expect(client.status(never)).rejects.toMatchObject({
    code: 'ETCD_TIMEOUT',
    details: { grpcStatus: 'DEADLINE_EXCEEDED' },
  });
  await expect(client.hashKv(0, AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'ETCD_TIMEOUT' });
  process.kill(etcd.pid, 'SIGCONT');
  await expect.poll(async () => (await client.status(never)).revision, { timeout: 10_000 }).toBe(1);
  client.close();
});

test('the caller’s signal ends a call with its reason kept', async () => {
  await using etcd = await startEtcd();
  const client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 60_000 });
  await client.status(never);
  await freeze(etcd.pid);
  const controller = new AbortController();
  const reason = new Error('the agent stops');
  const call = client.hashKv(0, controller.signal);
  setImmediate(() => {
    controller.abort(reason);
  });
  await expect(call).rejects.toMatchObject({ code: 'CANCELLED', cause: reason });
  await expect(client.status(controller.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  client.close();
});

test('a member that was restarted is found again by the same client', async () => {
  await using first = await startEtcd();
  const client = connectEtcd({ endpoint: first.endpoint, requestTimeoutMs: 2000 });
  await client.put({ key: 'kept', value: '1' }, never);
  await first.stop('SIGKILL');
  await expect(client.status(never)).rejects.toMatchObject({ code: 'ETCD_UNREACHABLE' });
  await using second = await startEtcd({
    dataDir: first.dataDir,
    clientUrl: first.endpoint,
    peerUrl: first.peerUrl,
  });
  await expect
    .poll(async () => (await client.range({ key: 'kept' }, never)).count, { timeout: 10_000 })
    .toBe(1);
  expect(second.endpoint).toBe(first.endpoint);
  client.close();
});

test('without a quorum the member list and the status are still answered, and reads that need one time out', async () => {
  await using etcd = await startEtcd();
  const client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 1000 });
  await client.put({ key: 'k', value: 'v' }, never);
  // One of two voters: the second never starts.
  await etcd.ctl('member', 'add', 'absent', '--peer-urls', 'http://127.0.0.1:1');
  await expect.poll(async () => (await client.status(never)).leaderId, { timeout: 10_000 }).toBeUndefined();
  const { members } = await client.members(never);
  expect(members.map(({ name }) => name).sort()).toEqual(['', 'm1']);
  expect((await client.range({ key: 'k', serializable: true }, never)).count).toBe(1);
  await expect(client.range({ key: 'k' }, never)).rejects.toMatchObject({ code: 'ETCD_TIMEOUT' });
  client.close();
});

test('a client that was closed makes no more calls', async () => {
  await using etcd = await startEtcd();
  const client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 2000 });
  await client.status(never);
  client.close();
  client.close();
  await expect(client.status(never)).rejects.toMatchObject({ code: 'CANCELLED' });
});
