import { appendFile, open, readdir, rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SnapshotManifest } from '../../../src/formats/snapshot-manifest.ts';
import { startEtcd, type RunningEtcd } from '../../support/etcd-process.ts';
import { putMany } from '../../support/put-many.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { backupOf, type TestBackup } from './backup-of.ts';

const NEVER = new AbortController().signal;
const STOPPED = { isMemberRunning: () => Promise.resolve(false) };

/** The database gets nothing by itself before etcd is stopped in order. */
const LATE_COMMITS = ['--backend-batch-limit', '1000000', '--backend-batch-interval', '1h'];

/** Of a start: the new leader's, the member's name, the cluster's version. etcd 3.4 does not count them in the database. */
const HOUSEKEEPING_ENTRIES = 4;
const FEW = expect.toSatisfy((entries: number) => entries >= 0 && entries <= HOUSEKEEPING_ENTRIES) as number;

async function copyOf({ backup }: TestBackup): Promise<SnapshotManifest> {
  return (await backup.copy({ trigger: 'manual' }, NEVER)).manifest;
}

function walOf({ dataDir }: RunningEtcd): string {
  return join(dataDir, 'member', 'wal');
}

async function newestSegmentOf(member: RunningEtcd): Promise<string> {
  const names = (await readdir(walOf(member))).filter((name) => name.endsWith('.wal')).sort();
  return join(walOf(member), names.at(-1) ?? '');
}

test('a copy of a stopped member says whose it is, as the member said when it ran', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member, STOPPED);
  await putMany(member, 20);
  const { clusterId, memberId } = await its.etcd.status(NEVER);
  await member.stop();

  const manifest = await copyOf(its);

  expect(manifest).toMatchObject({ method: 'offline-copy', clusterId, memberId, walEntriesNewer: FEW });
  expect(manifest.note).toBeUndefined();
});

test('what a killed member had only in its log is counted, and comes back when etcd replays it', async () => {
  await using member = await startEtcd({ flags: LATE_COMMITS });
  await using its = await backupOf(member, STOPPED);
  await putMany(member, 30);
  await member.stop('SIGKILL');

  const killed = await copyOf(its);
  await using again = await startEtcd({ dataDir: member.dataDir });
  await again.stop();
  const replayed = await copyOf(its);

  expect(killed.walEntriesNewer).toBeGreaterThanOrEqual(30);
  expect(killed.revision).toBeLessThan(31);
  expect(replayed).toMatchObject({ revision: 31, walEntriesNewer: FEW, clusterId: killed.clusterId });
});

test('a copy of a running member has all that is in its log, as the snapshot that pins it makes etcd commit', async () => {
  await using member = await startEtcd({ flags: LATE_COMMITS });
  await using its = await backupOf(member);
  await putMany(member, 30);
  const { clusterId } = await its.etcd.status(NEVER);

  const manifest = await copyOf(its);

  expect(manifest).toMatchObject({ method: 'pinned-copy', revision: 31, walEntriesNewer: FEW, clusterId });
  expect(manifest.note).toBeUndefined();
});

test('a log in a directory of its own is read there', async () => {
  await using directory = await temporaryDirectory();
  const walDir = join(directory.path, 'wal');
  await using member = await startEtcd({ flags: ['--wal-dir', walDir] });
  await using its = await backupOf(member, { ...STOPPED, settings: { walDir } });
  await using unaware = await backupOf(member, STOPPED);
  await putMany(member, 1);
  const { clusterId, memberId } = await its.etcd.status(NEVER);
  await member.stop();

  expect(await copyOf(its)).toMatchObject({ clusterId, memberId, walEntriesNewer: FEW });
  const manifest = await copyOf(unaware);
  expect(manifest.clusterId).toBeUndefined();
  expect(manifest.walEntriesNewer).toBeUndefined();
  expect(manifest.note).toContain(`the WAL was not read: ${walOf(member)} could not be read`);
});

test('a log that is damaged hinders no copy, and still says whose it is', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member, STOPPED);
  await putMany(member, 20);
  const { clusterId, memberId } = await its.etcd.status(NEVER);
  await member.stop();
  const segment = await newestSegmentOf(member);
  const file = await open(segment, 'r+');
  await file.write('broken', 600);
  await file.close();

  const manifest = await copyOf(its);

  expect(manifest).toMatchObject({ revision: 21, clusterId, memberId });
  expect(manifest.walEntriesNewer).toBeUndefined();
  expect(manifest.note).toContain(`the WAL was not read: ${segment} is damaged at byte`);
});

test('a torn log counts up to its last whole record, and the manifest says that it is torn', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member, STOPPED);
  await putMany(member, 20);
  await member.stop();
  const segment = await newestSegmentOf(member);
  await truncate(segment, 40_000);
  // A length of 64, and the beginning of an entry.
  await appendFile(segment, Buffer.from('40000000000000000802', 'hex'));

  const manifest = await copyOf(its);

  expect(manifest).toMatchObject({ revision: 21, walEntriesNewer: FEW });
  expect(manifest.note).toMatch(
    /the WAL ends in a record that was not written whole, at byte \d+ of [0-9a-f-]+\.wal/,
  );
});

test('the log of another member is not taken for this one, running or stopped', async () => {
  await using member = await startEtcd();
  await using other = await startEtcd({ name: 'other' });
  await putMany(member, 40);
  await other.stop();
  let isRunning = true;
  await using its = await backupOf(member, {
    isMemberRunning: () => Promise.resolve(isRunning),
    settings: { walDir: walOf(other) },
  });
  const { clusterId, memberId } = await its.etcd.status(NEVER);

  const running = await copyOf(its);
  await member.stop();
  isRunning = false;
  const stopped = await copyOf(its);

  expect(running).toMatchObject({ clusterId, memberId });
  expect(running.walEntriesNewer).toBeUndefined();
  expect(running.note).toContain(
    `and this is member ${memberId} of cluster ${clusterId}: is etcd.walDir right?`,
  );
  // It ends before what is in the file: that is all that tells, and enough to believe nothing of it.
  expect(stopped.clusterId).toBeUndefined();
  expect(stopped.walEntriesNewer).toBeUndefined();
  expect(stopped.note).toContain('is etcd.walDir right?');
});

test('debris of a database without a log is copied, and is of nobody', async () => {
  await using member = await startEtcd();
  await using its = await backupOf(member, STOPPED);
  await member.stop();
  await rename(walOf(member), `${walOf(member)}.gone`);

  const manifest = await copyOf(its);
  await rm(`${walOf(member)}.gone`, { recursive: true });

  expect(manifest.clusterId).toBeUndefined();
  expect(manifest.note).toContain('the WAL was not read');
});
