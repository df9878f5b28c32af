import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findBucket, rootBucket } from '../../../src/bbolt/bucket.ts';
import { openPageFile } from '../../../src/bbolt/page-file.ts';
import { connectEtcd, type EtcdClient } from '../../../src/etcd/client.ts';
import { readCompactionState } from '../../../src/mvcc/compaction-state.ts';
import { proveKeyspace } from '../../../src/mvcc/prove-keyspace.ts';
import { startEtcd, type RunningEtcd } from '../../support/etcd-process.ts';
import { putInTransactions, putMany } from '../../support/put-many.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;

let etcd: RunningEtcd;
let client: EtcdClient;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let snapshots = 0;

beforeAll(async () => {
  directory = await temporaryDirectory();
  etcd = await startEtcd();
  client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 5000 });
});

afterAll(async () => {
  client.close();
  await etcd[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function save(): Promise<string> {
  snapshots += 1;
  const path = join(directory.path, `${snapshots}.db`);
  await etcd.ctl('snapshot', 'save', path);
  return path;
}

/** The file's answer and the member's, at one revision. */
async function both(path: string, revision: number): Promise<{ ours: unknown; theirs: unknown }> {
  const { hash, compactRevision } = await client.hashKv(revision, NEVER);
  const proof = await proveKeyspace(path, { revision });
  expect(proof.findings).toEqual([]);
  return { ours: proof.hashKv, theirs: { hash, compactRevision, revision } };
}

async function revisionNow(): Promise<number> {
  return (await client.status(NEVER)).revision;
}

async function liveKeysAt(revision: number): Promise<number> {
  const everything = { key: Buffer.of(0), rangeEnd: Buffer.of(0), countOnly: true, revision };
  return (await client.range(everything, NEVER)).count;
}

describe('HashKV and the number of keys are what the member says', () => {
  test('of a history with overwrites, deletes and leases, at several revisions, before and after a compaction', async () => {
    const first = await revisionNow();
    await putMany(etcd, 300, 60);
    await putMany(etcd, 150, 20);
    await etcd.ctl('del', 'key-00002', '--prefix');
    const lease = /lease (\w+)/.exec(await etcd.ctl('lease', 'grant', '3600'))?.[1] ?? '';
    for (const key of ['a', 'b', 'c']) await etcd.ctl('put', key, 'leased', '--lease', lease);
    await etcd.ctl('lease', 'revoke', lease);
    await etcd.ctl('put', 'a', 'again');
    const before = await revisionNow();
    const path = await save();
    for (const revision of [first + 10, first + 320, before]) {
      const { ours, theirs } = await both(path, revision);
      expect(ours).toEqual(theirs);
    }

    await etcd.ctl('compact', `${first + 320}`, '--physical');
    await putMany(etcd, 50, 10);
    await etcd.ctl('del', 'key-00003', '--prefix');
    const after = await revisionNow();
    const compacted = await save();
    for (const revision of [first + 321, before, after - 1, after]) {
      const { ours, theirs } = await both(compacted, revision);
      expect(ours).toEqual(theirs);
      const { keyCount } = await proveKeyspace(compacted, { revision });
      expect(keyCount).toBe(await liveKeysAt(revision));
    }
  });

  test('where the newest change that was compacted is a delete', async () => {
    await putMany(etcd, 30, 10);
    await etcd.ctl('del', 'key-00001', '--prefix');
    const deleted = await revisionNow();
    await etcd.ctl('compact', `${deleted}`, '--physical');
    await etcd.ctl('put', 'after', 'it');
    const path = await save();

    const { ours, theirs } = await both(path, deleted + 1);

    expect(ours).toEqual(theirs);
    expect((await proveKeyspace(path)).keyCount).toBe(await liveKeysAt(0));
  });

  test('of a file that was taken in the middle of a compaction', async () => {
    // etcd removes a thousand changes at a time, and waits in between.
    for (let attempt = 0; attempt < 5; attempt += 1) {
      for (let round = 0; round < 2; round += 1) await putInTransactions(etcd, 5000, 10);
      await etcd.ctl('del', 'key-0012', '--prefix');
      const compacted = await revisionNow();
      for (let round = 0; round < 2; round += 1) await putInTransactions(etcd, 1000, 10);
      await etcd.ctl('compact', `${compacted}`);
      const path = await save();
      if (isWholeCompaction(path)) continue;
      const revision = await revisionNow();
      const { ours, theirs } = await both(path, revision);
      expect(ours).toEqual(theirs);
      expect((await proveKeyspace(path)).keyCount).toBe(await liveKeysAt(revision));
      return;
    }
    throw new Error('every compaction was faster than the snapshot after it');
  });

  test('where no key lives', async () => {
    await etcd.ctl('del', '', '--from-key');
    const revision = await revisionNow();
    const path = await save();

    const { ours, theirs } = await both(path, revision);

    expect(ours).toEqual(theirs);
    expect(await proveKeyspace(path)).toMatchObject({ keyCount: 0 });
  });

  test('of random histories', async () => {
    const key = fc.integer({ min: 0, max: 12 }).map((number) => `random/${number}`);
    const change = fc.oneof(
      { weight: 6, arbitrary: fc.record({ put: key, value: fc.string({ maxLength: 40 }) }) },
      { weight: 3, arbitrary: fc.record({ del: key }) },
      { weight: 1, arbitrary: fc.record({ compactBefore: fc.integer({ min: 1, max: 12 }) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 40 }), async (changes) => {
        for (const one of changes) await apply(one);
        const path = await save();
        const revision = await revisionNow();
        const { ours, theirs } = await both(path, revision);
        expect(ours).toEqual(theirs);
        expect((await proveKeyspace(path)).keyCount).toBe(await liveKeysAt(revision));
      }),
      { numRuns: 25 },
    );
  });
});

function isWholeCompaction(path: string): boolean {
  using file = openPageFile(path);
  const meta = findBucket(rootBucket(file), 'meta');
  if (meta === undefined) return true;
  const { compactRevision, finishedRevision } = readCompactionState(meta);
  return compactRevision === finishedRevision;
}

type Change = { put: string; value: string } | { del: string } | { compactBefore: number };

async function apply(change: Change): Promise<void> {
  if ('put' in change) await client.put({ key: change.put, value: change.value }, NEVER);
  else if ('del' in change) await etcd.ctl('del', change.del);
  else {
    const revision = (await revisionNow()) - change.compactBefore;
    await etcd.ctl('compact', `${revision}`, '--physical').catch(() => undefined);
  }
}

test('a file is not changed by being proved', async () => {
  await putMany(etcd, 20, 100);
  const path = await save();
  const hashOf = async (): Promise<string> =>
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  const before = await hashOf();
  await proveKeyspace(path, { withStatus: true });
  expect(await hashOf()).toBe(before);
});
