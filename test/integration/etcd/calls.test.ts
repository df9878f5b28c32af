import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { connectEtcd, type EtcdClient } from '../../../src/etcd/client.ts';
import { startEtcd, type RunningEtcd } from '../../support/etcd-process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

let etcd: RunningEtcd;
let client: EtcdClient;
const never = new AbortController().signal;

beforeAll(async () => {
  etcd = await startEtcd({ name: 'alone' });
  client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 5000 });
});

afterAll(async () => {
  client.close();
  await etcd[Symbol.asyncDispose]();
});

test('a member says what etcdctl says of it', async () => {
  const status = await client.status(never);
  const [line] = JSON.parse(await etcd.ctl('endpoint', 'status', '-w', 'json')) as [
    { Status: EtcdctlStatus },
  ];
  expect(status).toMatchObject({
    leaderId: status.memberId,
    version: line.Status.version,
    raftTerm: line.Status.raftTerm,
    revision: line.Status.header.revision,
    isLearner: false,
    errors: [],
  });
  expect(await etcd.ctl('endpoint', 'status')).toContain(`, ${status.memberId.replace(/^0+/, '')}, `);
  expect(status.clusterId).toMatch(/^[0-9a-f]{16}$/);
  expect(status.raftIndex).toBeGreaterThan(0);
});

test('the sizes are those that etcdctl shows', async () => {
  // They grow in the background of a young member, so both are asked until nothing happened in between.
  await expect
    .poll(async () => {
      const [line] = JSON.parse(await etcd.ctl('endpoint', 'status', '-w', 'json')) as [
        { Status: EtcdctlStatus },
      ];
      const { dbSizeBytes, dbSizeInUseBytes } = await client.status(never);
      return [dbSizeBytes - line.Status.dbSize, dbSizeInUseBytes - line.Status.dbSizeInUse];
    })
    .toEqual([0, 0]);
});

test('the member list has names and URLs', async () => {
  const { memberId, clusterId } = await client.status(never);
  expect(await client.members(never)).toEqual({
    clusterId,
    members: [
      {
        id: memberId,
        name: 'alone',
        peerUrls: [etcd.peerUrl],
        clientUrls: [etcd.endpoint],
        isLearner: false,
      },
    ],
  });
});

test('keys are put, read in pages, counted and deleted', async () => {
  const { revision } = await client.put({ key: 'page/1', value: 'one' }, never);
  await client.put({ key: 'page/2', value: Buffer.from([0, 255]) }, never);
  await client.put({ key: 'page/1', value: 'uno' }, never);
  const all = { key: 'page/', rangeEnd: 'page0' };

  const first = await client.range({ ...all, limit: 1 }, never);
  expect(first).toMatchObject({ count: 2, more: true, revision: revision + 2 });
  expect(first.keyValues).toEqual([
    {
      key: Buffer.from('page/1'),
      value: Buffer.from('uno'),
      createRevision: revision,
      modRevision: revision + 2,
      version: 2,
      lease: undefined,
    },
  ]);

  expect(valuesOf(await client.range({ key: 'page/1', revision, serializable: true }, never))).toEqual([
    'one',
  ]);
  expect(valuesOf(await client.range({ ...all, keysOnly: true }, never))).toEqual(['', '']);
  expect(valuesOf(await client.range({ ...all, minModRevision: revision + 2 }, never))).toEqual(['uno']);
  expect(await client.range({ ...all, countOnly: true }, never)).toMatchObject({ count: 2, keyValues: [] });
  expect(await client.deleteRange(all, never)).toEqual({ deleted: 2, revision: revision + 3 });
});

test('a transaction compares and then does one thing or the other', async () => {
  const create = {
    compare: [{ key: 'lock', target: 'version', is: 'equal', to: 0 }],
    success: [{ kind: 'put', key: 'lock', value: 'mine' }],
    failure: [{ kind: 'range', key: 'lock' }],
  } as const;
  expect(await client.txn(create, never)).toMatchObject({ succeeded: true, results: [{ kind: 'put' }] });

  const second = await client.txn(create, never);
  expect(second).toMatchObject({ succeeded: false, results: [{ kind: 'range', count: 1 }] });

  const { keyValues } = await client.range({ key: 'lock' }, never);
  const modRevision = keyValues[0]?.modRevision ?? -1;
  const release = await client.txn(
    {
      compare: [
        { key: 'lock', target: 'modRevision', is: 'equal', to: modRevision },
        { key: 'lock', target: 'createRevision', is: 'less', to: modRevision + 1 },
        { key: 'lock', target: 'value', is: 'equal', to: 'mine' },
        { key: 'lock', target: 'version', is: 'greater', to: 0 },
        { key: 'lock', target: 'value', is: 'not-equal', to: 'yours' },
      ],
      success: [{ kind: 'deleteRange', key: 'lock' }],
    },
    never,
  );
  expect(release).toEqual({
    succeeded: true,
    revision: modRevision + 1,
    results: [{ kind: 'deleteRange', deleted: 1 }],
  });
});

test('a lease holds keys, is listed, and takes them along', async () => {
  const { id, ttlSeconds } = await client.grantLease(300, never);
  expect(ttlSeconds).toBe(300);
  await client.put({ key: 'leased', value: 'x', lease: id }, never);
  expect((await client.range({ key: 'leased' }, never)).keyValues[0]?.lease).toBe(id);
  expect(await client.leases(never)).toEqual([id]);
  expect(await etcd.ctl('lease', 'list')).toContain(id.replace(/^0+/, ''));
  await client.revokeLease(id, never);
  expect(await client.leases(never)).toEqual([]);
  expect((await client.range({ key: 'leased' }, never)).count).toBe(0);
  await expect(client.revokeLease(id, never)).rejects.toMatchObject({ code: 'ETCD_REFUSED' });
});

test('HashKV is the number that etcdctl gets', async () => {
  const { revision } = await client.put({ key: 'hashed', value: '1' }, never);
  await client.put({ key: 'hashed', value: '2' }, never);
  const [line] = JSON.parse(
    await etcd.ctl('endpoint', 'hashkv', '--rev', String(revision), '-w', 'json'),
  ) as [{ HashKV: { hash: number } }];
  const atRevision = await client.hashKv(revision, never);
  expect(atRevision.hash).toBe(line.HashKV.hash);
  expect((await client.hashKv(0, never)).hash).not.toBe(atRevision.hash);
});

test('compacted revisions are gone, and revisions of the future are refused', async () => {
  const { revision } = await client.put({ key: 'compacted', value: '1' }, never);
  await client.put({ key: 'compacted', value: '2' }, never);
  await client.compact({ revision: revision + 1, physical: true }, never);
  expect((await client.hashKv(0, never)).compactRevision).toBe(revision + 1);
  const gone = { code: 'ETCD_COMPACTED', message: expect.stringContaining('has been compacted') as string };
  await expect(client.range({ key: 'compacted', revision }, never)).rejects.toMatchObject(gone);
  await expect(client.hashKv(revision, never)).rejects.toMatchObject(gone);
  await expect(client.compact({ revision }, never)).rejects.toMatchObject(gone);
  await expect(client.hashKv(revision + 1000, never)).rejects.toMatchObject({ code: 'ETCD_REFUSED' });
});

test('a full member says so, and is cured by compaction, defragmentation and disarming', async () => {
  await using full = await startEtcd({ flags: ['--quota-backend-bytes', String(2 << 20)] });
  const fullClient = connectEtcd({ endpoint: full.endpoint, requestTimeoutMs: 5000 });
  const value = Buffer.alloc(256 << 10, 'x');
  const fill = async (): Promise<never> => {
    for (;;) await fullClient.put({ key: 'full', value }, never);
  };
  await expect(fill()).rejects.toMatchObject({ code: 'ETCD_NO_SPACE', details: { method: 'KV/Put' } });

  const { memberId, revision, dbSizeBytes, errors } = await fullClient.status(never);
  expect(errors.join(' ')).toContain('NOSPACE');
  expect(await fullClient.alarms(never)).toEqual([{ memberId, alarm: 'NOSPACE' }]);

  await fullClient.compact({ revision, physical: true }, never);
  await fullClient.defragment(never);
  expect((await fullClient.status(never)).dbSizeBytes).toBeLessThan(dbSizeBytes);
  await fullClient.disarmAlarm({ memberId, alarm: 'NOSPACE' }, never);
  await fullClient.disarmAlarm({ memberId, alarm: 'NOSPACE' }, never);
  expect(await fullClient.alarms(never)).toEqual([]);
  await fullClient.put({ key: 'full', value: 'fits again' }, never);
  fullClient.close();
});

test('a member behind a unix socket is reached by the socket’s path', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'etcd.sock');
  // etcd 3.4 has no socket at an absolute path, so one is put in front of it.
  const { hostname, port } = new URL(etcd.endpoint);
  const front = createServer((socket) => {
    const behind = connect(Number(port), hostname);
    pipeline(socket, behind, socket, () => undefined);
  }).listen(path);
  onTestFinished(() => {
    front.close();
  });
  await once(front, 'listening');
  const local = connectEtcd({ endpoint: `unix://${path}`, requestTimeoutMs: 5000 });
  expect(await local.members(never)).toEqual(await client.members(never));
  local.close();
});

interface EtcdctlStatus {
  version: string;
  raftTerm: number;
  dbSize: number;
  dbSizeInUse: number;
  header: { revision: number };
}

function valuesOf(result: Awaited<ReturnType<EtcdClient['range']>>): string[] {
  return result.keyValues.map((pair) => pair.value.toString());
}
