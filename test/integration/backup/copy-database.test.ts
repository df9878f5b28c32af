import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { databasePath } from '../../../src/backup/copy-database.ts';
import { copyUnmoved } from '../../../src/backup/plain-copy.ts';
import { copyPinned } from '../../../src/backup/pinned-copy.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { etcdBinary } from '../../support/etcd-binaries.ts';
import { startEtcd, type RunningEtcd } from '../../support/etcd-process.ts';
import { fillEtcd } from '../../support/fill-etcd.ts';
import { freeze } from '../../support/freeze-process.ts';
import { startRestored } from '../../support/restore-snapshot.ts';
import { signalOnce } from '../../support/signal-once.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { backupOf } from './backup-of.ts';

const NEVER = new AbortController().signal;
const KEYS = 96;
const MEBIBYTES = KEYS / 16;

/** Every write becomes a transaction of the database at once, so that a copy that can tear does. */
const EAGER_COMMITS = ['--backend-batch-limit', '1', '--backend-batch-interval', '1ms'];

/** Overwrites keys and gives their old pages free, in etcd's own process, while ours stands still. */
function disturb(etcd: RunningEtcd, round: number): void {
  const ctl = (...args: string[]): string =>
    execFileSync(etcdBinary('etcdctl'), ['--endpoints', etcd.endpoint, ...args], {
      env: { ETCDCTL_API: '3' },
      encoding: 'utf8',
    });
  const status = JSON.parse(ctl('endpoint', 'status', '-w', 'json')) as {
    Status: { header: { revision: number } };
  }[];
  ctl('compact', '--physical', String(status[0]?.Status.header.revision ?? 1));
  const value = 'x'.repeat(100_000);
  for (let key = 0; key < 3; key += 1) ctl('put', `fill-${String((round * 3 + key) % KEYS)}`, value);
}

test('copies of a running member hold one state each, however much is written and compacted meanwhile', async () => {
  await using member = await startEtcd({ flags: EAGER_COMMITS });
  await using its = await backupOf(member);
  await fillEtcd(its.etcd, MEBIBYTES);
  let round = 0;

  const manifests = [];
  for (let copy = 0; copy < 3; copy += 1) {
    const { manifest } = await its.backup.copy({ trigger: 'manual' }, NEVER, ({ phase, bytes }) => {
      if (phase === 'copying' && bytes % (2 << 20) === 0) disturb(member, (round += 1));
    });
    manifests.push(manifest);
  }

  expect(round).toBeGreaterThanOrEqual(3);
  for (const manifest of manifests) {
    expect(manifest).toMatchObject({
      kind: 'copied',
      method: 'pinned-copy',
      grade: 'raw',
      hasTrailer: false,
    });
    expect(manifest.clusterId).toMatch(/^[0-9a-f]{16}$/);
    await using restored = await startRestored(its.catalog.pathOf(manifest.id), { skipHashCheck: true });
    const keys = await restored.ctl('get', 'fill-', '--prefix', '--keys-only');
    expect(keys.split('\n').filter((line) => line !== '')).toHaveLength(KEYS);
    expect(await restored.ctl('endpoint', 'status', '-w', 'json')).toContain(
      `"revision":${manifest.revision},`,
    );
  }
});

test('the same writes tear a copy that nobody pins, and it is refused', async () => {
  await using member = await startEtcd({ flags: EAGER_COMMITS });
  await using its = await backupOf(member);
  await fillEtcd(its.etcd, MEBIBYTES);
  const to = join(its.scratch, 'copy');
  let round = 0;

  const copying = copyUnmoved(
    { from: databasePath(member.dataDir), to },
    {
      signal: NEVER,
      onBytes: (bytes) => {
        if (bytes === 1 << 20) disturb(member, (round += 1));
      },
    },
  );

  await expect(copying).rejects.toMatchObject({ code: 'COPY_TORN', retryable: true });
  expect(await readdir(its.scratch)).not.toContain('copy');
});

test('a small database, which etcd sends whole and no longer pins, is copied all the same', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  await its.etcd.put({ key: 'a', value: '1' }, NEVER);

  const { manifest } = await its.backup.copy({ trigger: 'manual' }, NEVER);

  expect(manifest).toMatchObject({ method: 'pinned-copy', hasTrailer: false, revision: 2, keyCount: 1 });
  expect(manifest.sizeBytes % 4096).toBe(0);
  await using restored = await startRestored(its.catalog.pathOf(manifest.id), { skipHashCheck: true });
  expect(await restored.ctl('get', 'a', '--print-value-only')).toBe('1');
});

test('a member that dies while its database is copied is no pin', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  await fillEtcd(its.etcd, MEBIBYTES);
  const to = join(its.scratch, 'copy');

  const copying = copyPinned(
    () => its.etcd.snapshot(NEVER),
    { from: databasePath(member.dataDir), to },
    {
      stallMs: 10_000,
      clock: systemClock,
      signal: NEVER,
      onBytes: signalOnce(member.pid, 'SIGKILL'),
    },
  );

  await expect(copying).rejects.toMatchObject({
    code: expect.stringMatching(/ETCD_UNREACHABLE|COPY_TORN/) as string,
  });
  expect(await readdir(its.scratch)).not.toContain('copy');
});

test('a hung member is copied without it, and the manifest says so', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member, { settings: { stallMs: 2000 } });
  await fillEtcd(its.etcd, 8);
  const { clusterId, memberId } = await its.etcd.status(NEVER);
  await its.backup.save({ trigger: 'manual' }, NEVER);
  await freeze(member.pid);

  const { manifest } = await its.backup.copy({ trigger: 'manual' }, NEVER);

  expect(manifest).toMatchObject({ method: 'plain-copy', revision: 129, grade: 'raw' });
  expect(manifest.note).toMatch(/not pinned: (SNAPSHOT_STALLED|ETCD_TIMEOUT)/);
  // By its log: it did not say so itself.
  expect(manifest).toMatchObject({ clusterId, memberId, walEntriesNewer: expect.any(Number) as number });
});

test('a member whose users must log in is copied without its leave when it cannot check passwords', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member);
  await its.etcd.put({ key: 'a', value: '1' }, NEVER);
  await member.ctl('user', 'add', 'root:secret');
  await member.ctl('user', 'grant-role', 'root', 'root');
  await member.ctl('auth', 'enable');

  const { manifest } = await its.backup.copy({ trigger: 'manual' }, NEVER);

  expect(manifest).toMatchObject({ method: 'plain-copy', authEnabled: true });
});

test('the database of a stopped member is copied at rest, and restores', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member, { isMemberRunning: () => Promise.resolve(false) });
  await fillEtcd(its.etcd, 5);
  await member.stop();

  const { manifest } = await its.backup.copy({ trigger: 'restore' }, NEVER);

  expect(manifest).toMatchObject({ method: 'offline-copy', revision: 81, trigger: 'restore' });
  await using restored = await startRestored(its.catalog.pathOf(manifest.id), { skipHashCheck: true });
  expect(await restored.ctl('endpoint', 'status', '-w', 'json')).toContain('"revision":81,');
});

test('a database that is damaged, or not there, is not published', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member, { isMemberRunning: () => Promise.resolve(false) });
  await member.stop();
  const path = databasePath(member.dataDir);
  const file = openSync(path, 'r+');
  for (const page of [0, 4096]) writeSync(file, 'broken', page + 20);
  closeSync(file);

  await expect(its.backup.copy({ trigger: 'manual' }, NEVER)).rejects.toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
  });
  await rm(path);
  await expect(its.backup.copy({ trigger: 'manual' }, NEVER)).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
  });

  expect((await readdir(its.catalog.directory)).sort()).toEqual(['incoming', 'lock']);
});

test('a transaction that ends during each copy makes it torn, whoever wrote it', async () => {
  await using member = await startEtcd();
  await using directory = await temporaryDirectory();
  await member.stop();
  const from = databasePath(member.dataDir);
  // The older meta's transaction number, as the next transaction would change it first.
  const touch = (): void => {
    const file = openSync(from, 'r+');
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, 16 + 48);
    writeSync(file, Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, 16 + 48);
    closeSync(file);
  };

  const copying = copyUnmoved({ from, to: join(directory.path, 'copy') }, { signal: NEVER, onBytes: touch });

  await expect(copying).rejects.toMatchObject({ code: 'COPY_TORN' });
});
