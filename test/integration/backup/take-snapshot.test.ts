import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { databasePath } from '../../../src/backup/copy-database.ts';
import { saveSnapshot } from '../../../src/backup/save-snapshot.ts';
import { createBackup, type SkippedResult, type TakenResult } from '../../../src/backup/take-snapshot.ts';
import type { KeyValueHash } from '../../../src/etcd/maintenance.ts';
import { damageBranch, sha256Of } from '../../support/damage.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { fillEtcd } from '../../support/fill-etcd.ts';
import { snapshotStatus, startRestored } from '../../support/restore-snapshot.ts';
import { signalOnce } from '../../support/signal-once.ts';
import { backupOf } from './backup-of.ts';

const NEVER = new AbortController().signal;

function taken(result: TakenResult | SkippedResult): TakenResult {
  if ('skipped' in result) throw new Error('it was skipped');
  return result;
}

test('a saved snapshot says what it is, and a member restored from it serves the same keys', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  await its.etcd.put({ key: 'a', value: '1' }, NEVER);
  await its.etcd.put({ key: 'b', value: '2' }, NEVER);
  await its.etcd.deleteRange({ key: 'a' }, NEVER);
  const status = await its.etcd.status(NEVER);

  const { manifest } = taken(await its.backup.save({ trigger: 'manual' }, NEVER));

  expect(manifest).toMatchObject({
    kind: 'streamed',
    grade: 'hashed',
    revision: 4,
    keyCount: 1,
    clusterId: status.clusterId,
    memberId: status.memberId,
    memberName: 'm1',
    etcdVersion: status.version,
    alarms: [],
    authEnabled: false,
    trigger: 'manual',
  });
  const path = its.catalog.pathOf(manifest.id);
  expect(await snapshotStatus(path)).toMatchObject({ revision: 4 });
  expect(await its.catalog.get('latest')).toEqual(manifest);
  await using restored = await startRestored(path, { skipHashCheck: false });
  expect(await restored.ctl('get', '', '--prefix', '--print-value-only')).toBe('2');
});

test('a snapshot tells its HashKV, and that the member agrees', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  for (const key of ['a', 'b', 'c']) await its.etcd.put({ key, value: key }, NEVER);
  await its.etcd.deleteRange({ key: 'a' }, NEVER);
  await its.etcd.compact({ revision: 3 }, NEVER);

  const { manifest } = taken(await its.backup.save({ trigger: 'manual' }, NEVER));

  const { hash } = await its.etcd.hashKv(5, NEVER);
  expect(manifest).toMatchObject({
    keyCount: 2,
    hashKv: { hash, revision: 5, compactRevision: 3 },
    proofs: [{ by: expect.stringContaining("HashKV compared with the member's") as string }],
  });
});

test('a file of another HashKV than its member says is not kept', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  await its.etcd.put({ key: 'a', value: '1' }, NEVER);
  const hashKv = async (revision: number): Promise<KeyValueHash> => {
    const { hash, ...answer } = await its.etcd.hashKv(revision, NEVER);
    return { ...answer, hash: hash ^ 1 };
  };
  const backup = createBackup({ ...its.options, etcd: { ...its.etcd, hashKv } });

  await expect(backup.save({ trigger: 'manual' }, NEVER)).rejects.toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
    message: expect.stringContaining('HashKV of the file is ') as string,
  });

  expect(await its.catalog.list()).toEqual([]);
  expect(await readdir(join(its.catalog.directory, 'incoming'))).toEqual([]);
});

test.each([
  ['compacted a part of it', 4],
  ['compacted beyond it', 6],
])('a member that %s meanwhile says nothing against the file', async (_what, compactTo) => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  for (const value of ['1', '2', '3']) await its.etcd.put({ key: 'a', value }, NEVER);
  await its.etcd.put({ key: 'b', value: '1' }, NEVER);
  const hashKv = async (revision: number): Promise<KeyValueHash> => {
    await its.etcd.put({ key: 'c', value: '1' }, NEVER);
    await its.etcd.compact({ revision: compactTo, physical: true }, NEVER);
    return await its.etcd.hashKv(revision, NEVER);
  };
  const backup = createBackup({ ...its.options, etcd: { ...its.etcd, hashKv } });

  const { manifest } = taken(await backup.save({ trigger: 'manual' }, NEVER));

  expect(manifest).toMatchObject({ grade: 'hashed', revision: 5 });
  expect(manifest.proofs[0]?.by).not.toContain('HashKV compared');
});

test('a member larger than is allowed is not asked for its HashKV', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member, { settings: { compareHashUpToBytes: 0 } });
  const hashKv = (): Promise<KeyValueHash> => Promise.reject(new Error('it was asked'));
  const backup = createBackup({ ...its.options, etcd: { ...its.etcd, hashKv } });
  await its.etcd.put({ key: 'a', value: '1' }, NEVER);

  const { manifest } = taken(await backup.save({ trigger: 'manual' }, NEVER));

  expect(manifest.hashKv?.hash).toBeGreaterThan(0);
});

test('a copied database with one changed byte in a branch is refused right after the copy, with its findings', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member, { isMemberRunning: () => Promise.resolve(false) });
  await fillEtcd(its.etcd, 4);
  await member.stop();
  const path = databasePath(member.dataDir);
  expect(taken(await its.backup.copy({ trigger: 'manual' }, NEVER)).manifest).toMatchObject({
    method: 'offline-copy',
    grade: 'raw',
    keyCount: 64,
  });
  await damageBranch(path);
  const before = await sha256Of(path);

  await expect(its.backup.copy({ trigger: 'manual' }, NEVER)).rejects.toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
    message: expect.stringMatching(/^the copy: \d+ findings? in its structure: page \d+: /) as string,
  });

  expect(await its.catalog.list()).toHaveLength(1);
  expect(await readdir(join(its.catalog.directory, 'incoming'))).toEqual([]);
  expect(await sha256Of(path)).toBe(before);
});

test('progress goes through its phases in order', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  const phases: string[] = [];

  await its.backup.save({ trigger: 'manual' }, NEVER, ({ phase }) => {
    if (phases.at(-1) !== phase) phases.push(phase);
  });

  expect(phases).toEqual(['connecting', 'streaming', 'proving', 'publishing']);
});

test('a scheduled snapshot of an unchanged store is skipped, and taken again once it changed', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  const scheduled = { trigger: 'schedule', skipUnchanged: true } as const;
  await its.etcd.put({ key: 'a', value: '1' }, NEVER);

  expect(await its.backup.save(scheduled, NEVER)).toHaveProperty('manifest');
  expect(await its.backup.save(scheduled, NEVER)).toEqual({ skipped: 'unchanged', revision: 2 });
  await its.etcd.put({ key: 'a', value: '2' }, NEVER);
  expect(await its.backup.save(scheduled, NEVER)).toHaveProperty('manifest');
  expect(await its.catalog.list()).toHaveLength(2);
});

test('a snapshot whose proof failed does not count as taken', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  const { manifest } = taken(await its.backup.save({ trigger: 'schedule' }, NEVER));
  await its.catalog.recordProof(manifest.id, { grade: 'failed', by: 'a boot' });

  expect(await its.backup.save({ trigger: 'schedule', skipUnchanged: true }, NEVER)).toHaveProperty(
    'manifest',
  );
});

test('a second snapshot while one is taken is refused, and a later one is not', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);

  const first = its.backup.save({ trigger: 'manual' }, NEVER);
  await expect(its.backup.copy({ trigger: 'manual' }, NEVER)).rejects.toMatchObject({
    code: 'SNAPSHOT_RUNNING',
  });
  await first;

  expect(await its.backup.copy({ trigger: 'manual' }, NEVER)).toHaveProperty('manifest.kind', 'copied');
});

test('retention runs after each snapshot, but not for what an operation takes for itself', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member, { settings: { keep: 1 } });
  const first = taken(await its.backup.save({ trigger: 'schedule' }, NEVER));
  const second = taken(await its.backup.save({ trigger: 'restore' }, NEVER));
  expect(second.removed).toEqual([]);

  const third = taken(await its.backup.save({ trigger: 'schedule' }, NEVER));

  expect([...third.removed].sort()).toEqual([first.manifest.id, second.manifest.id].sort());
  expect((await its.catalog.list()).map(({ id }) => id)).toEqual([third.manifest.id]);
});

test('the post-snapshot command is told of the snapshot, and its failure leaves the snapshot', async () => {
  await using member = await startEtcd();
  const script =
    'test "$(wc -c < "$LIFEBOAT_SNAPSHOT_PATH")" = "$LIFEBOAT_SNAPSHOT_SIZE_BYTES" && ' +
    'echo "$LIFEBOAT_SNAPSHOT_SHA256  $LIFEBOAT_SNAPSHOT_PATH" | sha256sum --check --quiet && ' +
    'test "$LIFEBOAT_SNAPSHOT_KIND" = streamed && test "$LIFEBOAT_SNAPSHOT_REVISION" = "$1"';
  const command = (revision: string): string[] => ['/bin/sh', '-c', script, 'sh', revision];
  await using good = await backupOf(member, { postSnapshot: { command: command('1'), timeoutMs: 10_000 } });
  await using bad = await backupOf(member, { postSnapshot: { command: command('99'), timeoutMs: 10_000 } });

  expect(await good.backup.save({ trigger: 'manual' }, NEVER)).toMatchObject({ postSnapshot: { ok: true } });
  expect(await bad.backup.save({ trigger: 'manual' }, NEVER)).toMatchObject({
    postSnapshot: { ok: false, error: { code: 'POST_SNAPSHOT_FAILED' } },
  });
  expect(await bad.catalog.list()).toHaveLength(1);
});

test('a disk that is too small is noticed before the first byte', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  const status = { ...(await its.etcd.status(NEVER)), dbSizeBytes: 2 ** 60 };
  const request = { trigger: 'manual', signal: NEVER, onProgress: () => undefined } as const;

  await expect(saveSnapshot(its.options, status, request)).rejects.toMatchObject({ code: 'NO_SPACE' });

  expect(await its.catalog.list()).toEqual([]);
});

test('a member that dies while it is saved leaves nothing, listed or not', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  await fillEtcd(its.etcd, 24);

  const kill = signalOnce(member.pid, 'SIGKILL');

  const saving = its.backup.save({ trigger: 'manual' }, NEVER, ({ phase }) => {
    if (phase === 'streaming') kill();
  });

  await expect(saving).rejects.toMatchObject({ retryable: true });
  expect(await its.catalog.list()).toEqual([]);
  expect((await readdir(its.catalog.directory)).sort()).toEqual(['incoming', 'lock']);
});

test('what lies around in the directory is never the latest', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  await writeFile(join(its.catalog.directory, '20991231T000000Z-host-a-r9-abcdef.partial'), 'leftover');

  await expect(its.catalog.get('latest')).rejects.toMatchObject({ code: 'SNAPSHOT_UNKNOWN' });
});
