import { readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectEtcd } from '../../../src/etcd/client.ts';
import type { MemberStatus } from '../../../src/etcd/maintenance.ts';
import { readLogIdentity } from '../../../src/wal/read-identity.ts';
import { readWal } from '../../../src/wal/read-wal.ts';
import { startEtcd, type RunningEtcd } from '../../support/etcd-process.ts';
import { fillEtcd } from '../../support/fill-etcd.ts';
import { putMany } from '../../support/put-many.ts';

const NEVER = new AbortController().signal;
const PATIENT = { timeout: 10_000, interval: 50 };

function walOf({ dataDir }: RunningEtcd): string {
  return join(dataDir, 'member', 'wal');
}

/** The index of the newest entry that the member has, by its own word. */
async function raftIndexOf(member: RunningEtcd): Promise<number> {
  const [answer] = JSON.parse(await member.ctl('endpoint', 'status', '-w', 'json')) as [
    { Status: { raftIndex: number } },
  ];
  return answer.Status.raftIndex;
}

/** Now and then etcd writes an entry of its own, so that the two are asked until none came in between. */
async function expectSameIndex(member: RunningEtcd): Promise<void> {
  await expect
    .poll(async () => (await readWal(walOf(member), NEVER)).lastIndex - (await raftIndexOf(member)), PATIENT)
    .toBe(0);
}

async function statusOf(member: RunningEtcd): Promise<MemberStatus> {
  const etcd = connectEtcd({ endpoint: member.endpoint, requestTimeoutMs: 3000 });
  try {
    return await etcd.status(NEVER);
  } finally {
    etcd.close();
  }
}

test('the log of a member says what the member says, while it runs and after it was killed', async () => {
  await using member = await startEtcd();
  await putMany(member, 200);
  const { clusterId, memberId } = await statusOf(member);
  const said = { clusterId, memberId, segments: 1, snapshotIndex: 0 };

  await expectSameIndex(member);
  const running = await readWal(walOf(member), NEVER);
  const lastIndex = await raftIndexOf(member);
  await member.stop('SIGKILL');
  const killed = await readWal(walOf(member), NEVER);

  expect(running).toMatchObject(said);
  expect(killed).toMatchObject(said);
  expect(killed.torn).toBeUndefined();
  expect(killed.lastIndex).toBeGreaterThanOrEqual(lastIndex);
  // etcd writes it with the next entries, so that those of the last round, one of each writer, are not told yet.
  expect(killed.commitIndex).toBeGreaterThanOrEqual(lastIndex - 20);
  expect(killed.commitIndex).toBeLessThanOrEqual(killed.lastIndex);
  expect(await readLogIdentity(walOf(member), NEVER)).toEqual({ clusterId, memberId });
});

test('a log can be read while etcd appends to it, again and again', async () => {
  await using member = await startEtcd();
  const before = await raftIndexOf(member);
  const written = new AbortController();
  const writing = putMany(member, 1000, 2000).finally(() => {
    written.abort();
  });

  const seen: number[] = [];
  while (!written.signal.aborted || seen.length < 3)
    seen.push((await readWal(walOf(member), NEVER)).lastIndex);
  await writing;

  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen.at(-2)).toBeGreaterThan(before);
  await expectSameIndex(member);
});

test('a log of several segments is read as one, with the snapshots that etcd took on the way', async () => {
  await using member = await startEtcd({ flags: ['--snapshot-count', '300'] });
  const etcd = connectEtcd({ endpoint: member.endpoint, requestTimeoutMs: 10_000 });
  // A segment holds 64 MB.
  await fillEtcd(etcd, 70);
  etcd.close();
  const lastIndex = await raftIndexOf(member);
  await member.stop('SIGKILL');

  const facts = await readWal(walOf(member), NEVER);

  expect(facts.segments).toBe(2);
  expect(facts.lastIndex).toBeGreaterThanOrEqual(lastIndex);
  expect(facts.snapshotIndex).toBeGreaterThanOrEqual(300);
});

test('where we say that a log is torn, etcd cuts it off and goes on', async () => {
  await using member = await startEtcd();
  await putMany(member, 50);
  await member.stop('SIGKILL');
  const whole = await readWal(walOf(member), NEVER);
  const [name = ''] = (await readdir(walOf(member))).filter((file) => file.endsWith('.wal'));
  const segment = join(walOf(member), name);
  const written = (await readFile(segment)).findLastIndex((byte) => byte !== 0);
  await truncate(segment, written - 4);

  const torn = await readWal(walOf(member), NEVER);
  await using again = await startEtcd({ dataDir: member.dataDir });
  const lastIndex = await raftIndexOf(again);

  expect(torn.torn?.segment).toBe(name);
  expect(torn.torn?.offset).toBeLessThan(written - 4);
  expect(torn.lastIndex).toBeGreaterThanOrEqual(whole.lastIndex - 1);
  expect(lastIndex).toBeGreaterThan(torn.lastIndex);
  const mended = await readWal(walOf(again), NEVER);
  expect(mended.lastIndex).toBeGreaterThanOrEqual(lastIndex);
  expect(mended.clusterId).toBe(whole.clusterId);
  expect(mended.torn).toBeUndefined();
  expect(await readdir(walOf(again))).toContain(`${name}.broken`);
});
