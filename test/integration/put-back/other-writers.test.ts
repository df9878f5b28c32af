import { expect, test } from 'vitest';
import { connectEtcd, type EtcdClient } from '../../../src/etcd/client.ts';
import { planPutBack, type PutBackPlan } from '../../../src/put-back/plan-put-back.ts';
import type { KeySource } from '../../../src/put-back/key-source.ts';
import { writePlanned, type LeftAlone, type WriteReport } from '../../../src/put-back/write-planned.ts';
import { putInTransactions } from '../../support/put-many.ts';
import { personAtTerminal } from './at-terminal.ts';
import { never, openSource, putBackScene, type PutBackScene } from './put-back-scene.ts';

const EVERY_KEY = { keys: [], prefixes: [Buffer.alloc(0)] };

async function plan(scene: PutBackScene, source: KeySource): Promise<PutBackPlan> {
  const rules = { overwrite: true, leased: false, comparable: true };
  return await planPutBack(EVERY_KEY, { source, etcd: scene.client, rules }, never);
}

async function write(
  scene: PutBackScene,
  source: KeySource,
  planned: PutBackPlan,
): Promise<{ report: WriteReport; leftAlone: LeftAlone[] }> {
  const leftAlone: LeftAlone[] = [];
  const writing = { source, etcd: scene.client, onLeftAlone: (key: LeftAlone) => leftAlone.push(key) };
  return { report: await writePlanned(planned.writes, writing, never), leftAlone };
}

test('what a client writes while the question waits is never overwritten, and the rest of its batch is written', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': 'a', '/b': 'b', '/c': 'c' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/', rangeEnd: '0' }, never);
  const person = personAtTerminal('Write 3 keys', () => scene.put({ '/b': 'somebody else' }), 'y');

  const { exitCode } = await scene.putBack([snapshot, '--prefix', '/'], person);
  expect(exitCode).toBe(1);
  expect(person.shown()).toContain('put back 2 keys');
  expect(person.shown()).toContain('/b: another client was first, it is written at revision 6; left alone');
  expect(await scene.get()).toEqual({ '/a': 'a', '/b': 'somebody else', '/c': 'c' });
});

test('with leave to overwrite, too, a value that was not seen is not replaced', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': 'a', '/b': 'b' });
  const snapshot = await scene.save();
  await scene.put({ '/a': 'seen', '/b': 'seen' });
  const person = personAtTerminal('replacing 2', () => scene.put({ '/a': 'not seen' }), 'y');

  const { exitCode } = await scene.putBack([snapshot, '--prefix', '/', '--overwrite'], person);
  expect(exitCode).toBe(1);
  expect(await scene.get()).toEqual({ '/a': 'not seen', '/b': 'b' });
});

test('whoever does not say yes has changed nothing', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': 'a' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/a' }, never);
  const person = personAtTerminal('Write 1 key', () => Promise.resolve(), 'n');

  expect(await scene.putBack([snapshot, '/a'], person)).toMatchObject({ exitCode: 1 });
  expect(await scene.get()).toEqual({});
});

test('each way in which another client can be first is told apart', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/created': 'v', '/deleted': 'v', '/equal': 'v', '/flicker': 'v', '/free': 'v' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/', rangeEnd: '0' }, never);
  await scene.put({ '/deleted': 'other' });
  using source = openSource(snapshot, scene.directory);
  const planned = await plan(scene, source);
  expect(planned.counts).toEqual({ create: 4, overwrite: 1, unchanged: 0, conflict: 0, leased: 0 });

  await scene.put({ '/created': 'mine', '/equal': 'v', '/flicker': 'gone soon' });
  await scene.client.deleteRange({ key: '/deleted' }, never);
  await scene.client.deleteRange({ key: '/flicker' }, never);
  const { report, leftAlone } = await write(scene, source, planned);

  expect(report).toMatchObject({ written: 2, unchanged: 1, overtaken: 2, uncertain: 0, remaining: 0 });
  expect(leftAlone.map(({ key, ...rest }) => ({ key: key.toString(), ...rest }))).toMatchObject([
    { key: '/created', reason: 'overtaken', plannedRevision: 0, found: { kind: 'present' } },
    { key: '/deleted', reason: 'overtaken', plannedRevision: 8, found: { kind: 'absent' } },
  ]);
  expect(await scene.get()).toEqual({ '/created': 'mine', '/equal': 'v', '/flicker': 'v', '/free': 'v' });
});

test('stopped between two transactions it tells what is left, and the next run does that', async () => {
  await using scene = await putBackScene();
  await putInTransactions(scene.etcd, 300, 10);
  const wanted = await scene.get();
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '\0', rangeEnd: '\0' }, never);
  using source = openSource(snapshot, scene.directory);
  const stop = new AbortController();
  const writing = {
    source,
    etcd: scene.client,
    onBytes: () => {
      stop.abort();
    },
  };
  const cut = await writePlanned((await plan(scene, source)).writes, writing, stop.signal);
  expect(cut).toMatchObject({ written: 128, remaining: 172, uncertain: 0 });

  const rest = await plan(scene, source);
  expect(rest.counts).toMatchObject({ unchanged: 128, create: 172 });
  expect((await write(scene, source, rest)).report).toMatchObject({ written: 172, remaining: 0 });
  expect(await scene.get()).toEqual(wanted);
});

test('many keys of which a few differ are told apart exactly', async () => {
  await using scene = await putBackScene();
  await putInTransactions(scene.etcd, 300, 10);
  const snapshot = await scene.save();
  await scene.put({ 'key-000007': 'x', 'key-000130': 'x', 'key-000131': 'x' });
  await scene.client.deleteRange({ key: 'key-000200', rangeEnd: 'key-000210' }, never);
  using source = openSource(snapshot, scene.directory);
  const touched: string[] = [];
  const rules = { overwrite: false, leased: false, comparable: true };
  const { counts } = await planPutBack(
    EVERY_KEY,
    {
      source,
      etcd: scene.client,
      rules,
      onKey: ({ key, decision }) => {
        if (decision.kind !== 'unchanged') touched.push(`${decision.kind} ${key.toString()}`);
        return Promise.resolve();
      },
    },
    never,
  );
  expect(counts).toEqual({ create: 10, unchanged: 287, conflict: 3, overwrite: 0, leased: 0 });
  expect(touched.slice(0, 4)).toEqual([
    'conflict key-000007',
    'conflict key-000130',
    'conflict key-000131',
    'create key-000200',
  ]);
});

test('whether values are equal is never answered by a member alone, whose state may be old', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': 'a', '/b': 'b' });
  const snapshot = await scene.save();
  using source = openSource(snapshot, scene.directory);
  const client = connectEtcd({ endpoint: scene.etcd.endpoint, requestTimeoutMs: 1000 });
  let requests = 0;
  const etcd = {
    range: (...asked: Parameters<EtcdClient['range']>) => client.range(...asked),
    txn: async (...asked: Parameters<EtcdClient['txn']>) => {
      requests += 1;
      // The quorum of two is two.
      if (requests === 2)
        await scene.etcd.ctl('member', 'add', 'absent', '--peer-urls', 'http://127.0.0.1:1');
      return await client.txn(...asked);
    },
  };
  const rules = { overwrite: false, leased: false, comparable: true };
  await expect(planPutBack(EVERY_KEY, { source, etcd, rules }, never)).rejects.toMatchObject({
    code: 'ETCD_TIMEOUT',
  });
  expect(requests).toBe(2);
  client.close();
});
