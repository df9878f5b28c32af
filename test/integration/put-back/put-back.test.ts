import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditHandlers } from '../../../src/agent/audit-handlers.ts';
import { AuditLog } from '../../../src/audit/audit-log.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { typed } from '../../support/command-line.ts';
import { startControlAgent } from '../../support/control-agent.ts';
import { putInTransactions } from '../../support/put-many.ts';
import { silentLog } from '../../support/silent-log.ts';
import { personAtTerminal } from './at-terminal.ts';
import { linesOf, never, putBackScene, sha256Of } from './put-back-scene.ts';

test('deleted keys come back byte for byte, everything else is left alone, and a second run has nothing to do', async () => {
  await using scene = await putBackScene();
  const strange = { key: Buffer.from([0x62, 0, 0xff, 0xc3]), value: randomBytes(300) };
  await scene.client.put(strange, never);
  await scene.put({ '/app/a': 'one', '/app/b': 'two', '/app/empty': '', '/app/ü': 'ö\n', '/other': 'x' });
  const snapshot = await scene.save();
  const [sha256, wanted] = [await sha256Of(snapshot), await scene.get()];
  await scene.client.deleteRange({ key: '\0', rangeEnd: '\0' }, never);
  await scene.put({ '/app/b': 'two', '/new': 'kept' });

  const first = await scene.putBack([snapshot, '--prefix', '/app/', 'b\\x00\\xff\\xc3', '--yes']);
  expect(first).toMatchObject({ exitCode: 0 });
  expect(first.stdout).toContain('put back 4 keys');
  const { '/other': _, ...chosen } = wanted;
  expect(await scene.get()).toEqual({ ...chosen, '/new': 'kept' });

  const revision = await scene.revision();
  const second = await scene.putBack([snapshot, '--prefix', '', '--yes', '-o', 'json']);
  expect(second).toMatchObject({ exitCode: 0 });
  expect(linesOf(second)).toMatchObject({
    plan: [{ create: 1, unchanged: 5, conflict: 0 }],
    summary: [{ written: 1, remaining: 0, revision: revision + 1 }],
  });
  expect(await scene.get()).toEqual({ ...wanted, '/new': 'kept' });
  expect(await sha256Of(snapshot)).toBe(sha256);
});

test('a key with another value is a conflict, and then nothing at all is written', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': 'old', '/b': 'b' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/b' }, never);
  await scene.put({ '/a': 'new' });
  const revision = await scene.revision();

  const text = await scene.putBack([snapshot, '--prefix', '/', '--yes']);
  expect(text.exitCode).toBe(3);
  expect(text.stderr).toContain('error PUT_BACK_CONFLICT: 1 key has another value in the cluster');
  expect(text.stdout).toMatch(/\/a +2 +5 +the cluster has the newer one/);

  const json = await scene.putBack([snapshot, '--prefix', '/', '--yes', '-o', 'json']);
  expect(json.exitCode).toBe(3);
  expect(linesOf(json)).toMatchObject({
    create: [{ key: '/b', keyBase64: 'L2I=', valueSizeBytes: 1, snapshotRevision: 3 }],
    conflict: [{ key: '/a', snapshotRevision: 2, clusterRevision: 5, newer: 'cluster' }],
    plan: [{ create: 1, conflict: 1, comparable: true }],
    error: [{ error: { code: 'PUT_BACK_CONFLICT', details: { conflicts: 1 } } }],
  });
  expect(await scene.revision()).toBe(revision);
  expect(await scene.get()).toEqual({ '/a': 'new' });
});

test('with leave to overwrite, conflicts take the value of the snapshot, and what is equal is not written', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': 'old', '/b': 'same' });
  const snapshot = await scene.save();
  await scene.put({ '/a': 'new' });
  const revision = await scene.revision();

  const { exitCode, stdout } = await scene.putBack([snapshot, '/a', '/b', '--overwrite', '--yes']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/OVERWRITE +SNAPSHOT +CLUSTER +NEWER\n +\/a +2 +4 +the cluster has the newer one/);
  expect(await scene.get()).toEqual({ '/a': 'old', '/b': 'same' });
  expect(await scene.revision()).toBe(revision + 1);
});

test('keys that hung on a lease are skipped and counted, or written without one when that was asked for', async () => {
  await using scene = await putBackScene();
  const lease = await scene.client.grantLease(600, never);
  await scene.client.put({ key: '/leased', value: 'v', lease: lease.id }, never);
  await scene.put({ '/plain': 'v' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/', rangeEnd: '0' }, never);

  const skipped = await scene.putBack([snapshot, '--prefix', '/', '--yes']);
  expect(skipped.exitCode).toBe(0);
  expect(skipped.stdout).toMatch(/leased +1 that hung on a lease/);
  expect(await scene.get()).toEqual({ '/plain': 'v' });

  const written = await scene.putBack([snapshot, '--prefix', '/', '--leased', '--yes']);
  expect(written.exitCode).toBe(0);
  expect(written.stdout).toMatch(
    /without lease +1 of those to write hung on a lease: they will never expire/,
  );
  const [back] = (await scene.client.range({ key: '/leased' }, never)).keyValues;
  expect(back).toMatchObject({ value: Buffer.from('v'), lease: undefined });
});

test('the audit log has the intent and the outcome of each put-back, and the person is told where no agent writes it', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': 'a', '/b': 'b', '/c': 'c' });
  const snapshot = await scene.save();
  const { clusterId } = await scene.client.status(never);
  await scene.client.deleteRange({ key: '/', rangeEnd: '0' }, never);
  await scene.put({ '/a': 'newer' });
  const unaudited = await scene.putBack([snapshot, '/c', '--yes']);
  expect(unaudited).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('put back 1 key') as string,
  });
  expect(unaudited.stderr).toMatch(
    /^this put-back is not in the audit log of this host: there is no control socket at /m,
  );

  const stateDir = join(scene.directory, 'state');
  await mkdir(stateDir);
  const audit = await AuditLog.open({ stateDir, clock: systemClock, log: silentLog });
  await using agent = await startControlAgent(auditHandlers({ audit }));
  const here = ['--socket', agent.socketPath];
  expect(await scene.putBack([snapshot, '--prefix', '/', '--dry-run', ...here])).toMatchObject({
    exitCode: 3,
  });
  expect(await scene.putBack([snapshot, '/c', '--yes', ...here])).toMatchObject({ exitCode: 0 });
  expect(audit.state.head).toBeUndefined();

  // While the question waits, somebody writes one of the two keys.
  const person = personAtTerminal('replacing 1', () => scene.put({ '/b': 'first' }), 'y');
  const { exitCode } = await scene.putBack([snapshot, '/a', '/b', '--overwrite', ...here], person);
  expect(exitCode).toBe(1);

  const config = ['--config', join(scene.directory, 'config.yaml')];
  const { stdout } = await typed([...config, 'audit', 'show']);
  const what = `2 keys of ${snapshot} into cluster ${clusterId}, 1 of them over other values`;
  const who = 'by operator@h1 --overwrite';
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/^.* UTC +/, '')),
  ).toEqual([
    `put-back           begun: ${what}, ${who}`,
    `put-back           done: ${what}, 1 written, 1 skipped, ${who}`,
  ]);
  expect(await typed([...config, 'audit', 'verify'])).toMatchObject({ exitCode: 0 });
  const [logged] = await audit.find(({ stage }) => stage === 'done');
  expect(logged).toMatchObject({ sha256: await sha256Of(snapshot), clusterId, written: 1, skipped: 1 });
});

test('a dry run writes nothing, asks nothing, and shows what a run would do', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': '1', '/b': '2' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/a' }, never);
  const revision = await scene.revision();

  const { exitCode, stdout } = await scene.putBack([snapshot, '--prefix', '/', '--dry-run']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/create +1, which the cluster lacks/);
  expect(stdout).toMatch(/CREATE +SNAPSHOT +SIZE\n +\/a +2 +1 B/);
  expect(await scene.revision()).toBe(revision);
});

test('a thousand keys go in transactions of 128, and a value of 1.2 MiB in one of its own', async () => {
  await using scene = await putBackScene();
  await putInTransactions(scene.etcd, 1000, 100);
  const large = randomBytes(1.2 * 2 ** 20);
  await scene.client.put({ key: 'key-000500-large', value: large }, never);
  const wanted = await scene.get();
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '\0', rangeEnd: '\0' }, never);
  const revision = await scene.revision();

  const { exitCode, stdout } = await scene.putBack([snapshot, '--prefix', 'key-', '--yes', '-o', 'json']);
  expect(exitCode).toBe(0);
  // 501 keys before the large one, itself, 499 after it.
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
    written: 1001,
    writtenBytes: 100_000 + large.length,
    revision: revision + 4 + 1 + 4,
  });
  expect(await scene.get()).toEqual(wanted);
});

test('keys come back as they were at an earlier revision, when it is asked for', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': 'first' });
  await scene.put({ '/a': 'second', '/b': 'later' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/', rangeEnd: '0' }, never);

  const back = await scene.putBack([snapshot, '--prefix', '/', '--revision', '2', '--yes']);
  expect(back.exitCode).toBe(0);
  expect(await scene.get()).toEqual({ '/a': 'first' });

  const future = await scene.putBack([snapshot, '--prefix', '/', '--revision', '99', '--yes']);
  expect(future).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('error REVISION_FUTURE') as string,
  });
});

test('what was named and is not in the snapshot is said, and nothing is written', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': '1' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/a' }, never);
  const { exitCode, stderr } = await scene.putBack([snapshot, '/a', '/b', '--prefix', '/c/', '--yes']);

  expect(exitCode).toBe(1);
  expect(stderr).toContain('has no key /b, no key below /c/; nothing was written');
  expect(await scene.get()).toEqual({});
});

test('a snapshot of another cluster is put back with a word that revisions say nothing then', async () => {
  await using scene = await putBackScene();
  await using other = await putBackScene();
  await other.put({ '/a': 'theirs' });
  const snapshot = await other.save();
  await scene.put({ '/x': 'x', '/y': 'y', '/a': 'ours' });

  const { exitCode, stdout } = await scene.putBack([snapshot, '/a', '--dry-run']);
  expect(exitCode).toBe(3);
  expect(stdout).toContain('revisions of both cannot be compared: no member that the file knows is in this');
  expect(stdout).toMatch(/\/a +2 +4 +not comparable/);
});
