import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openPageFile } from '../../../src/bbolt/page-file.ts';
import { readKeyspaceFacts, type KeyspaceFacts } from '../../../src/mvcc/keyspace-facts.ts';
import { readToolStatus } from '../../../src/restore-tool/read-status.ts';
import { startEtcd, type RunningEtcd } from '../../support/etcd-process.ts';
import { outcomeOf } from '../../support/outcome-of.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { fittingTool } from '../restore-tool/local-tools.ts';
import { putInTransactions, putMany } from '../../support/put-many.ts';

const NEVER = new AbortController().signal;

function factsOf(path: string): KeyspaceFacts {
  using database = openPageFile(path);
  return readKeyspaceFacts(database);
}

interface Header {
  readonly revision: number;
  readonly memberId: string;
}

async function headerOf(etcd: RunningEtcd): Promise<Header> {
  const answer = await etcd.ctl('endpoint', 'status', '-w', 'fields');
  const field = (name: string): string => new RegExp(`"${name}" : (\\d+)`).exec(answer)?.[1] ?? '';
  return {
    revision: Number(field('Revision')),
    memberId: BigInt(field('MemberID')).toString(16).padStart(16, '0'),
  };
}

/** The same state by both ways: a streamed snapshot, and the file of the stopped member. */
async function bothFiles(
  etcd: RunningEtcd,
  directory: string,
): Promise<{ streamed: string; copied: string }> {
  const streamed = join(directory, 'streamed.db');
  const copied = join(directory, 'copied.db');
  await etcd.ctl('snapshot', 'save', streamed);
  await etcd.stop();
  await copyFile(join(etcd.dataDir, 'member', 'snap', 'db'), copied);
  return { streamed, copied };
}

describe('the revision in a file is the one that the member said', () => {
  test.each<[string, (etcd: RunningEtcd) => Promise<unknown>, number]>([
    ['of a fresh cluster', () => Promise.resolve(), 1],
    ['after a thousand writes', (etcd) => putMany(etcd, 1000), 1001],
    ['of ten thousand keys', (etcd) => putInTransactions(etcd, 10_000, 400), 101],
    [
      'when its newest tombstone was compacted away',
      async (etcd) => {
        await putMany(etcd, 20);
        await etcd.ctl('del', '--prefix', 'key-');
        await etcd.ctl('compact', '22', '--physical');
      },
      22,
    ],
  ])('%s', async (_, work, revision) => {
    await using directory = await temporaryDirectory();
    await using etcd = await startEtcd();
    await work(etcd);
    const header = await headerOf(etcd);
    const { streamed, copied } = await bothFiles(etcd, directory.path);

    expect(header.revision).toBe(revision);
    expect(factsOf(streamed)).toMatchObject({
      revision,
      alarms: [],
      authEnabled: false,
      leaseCount: 0,
    });
    expect(factsOf(copied)).toMatchObject({ revision, alarms: [], authEnabled: false, leaseCount: 0 });
  });

  test("and etcd's own tool reads the same", async () => {
    await using directory = await temporaryDirectory();
    await using etcd = await startEtcd();
    await putMany(etcd, 300);
    await etcd.ctl('del', 'key-000007');
    const { streamed, copied } = await bothFiles(etcd, directory.path);
    const tool = await fittingTool();

    for (const path of [streamed, copied]) {
      const status = await readToolStatus(tool, path, NEVER);
      expect(factsOf(path).revision).toBe(status.revision);
      expect(status.revision).toBe(302);
    }
  });
});

test('the newest entry that is left is the one that a restore tool counts from', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  await putMany(etcd, 20);
  await etcd.ctl('del', '--prefix', 'key-');
  await etcd.ctl('compact', '22', '--physical');
  const { streamed } = await bothFiles(etcd, directory.path);

  const { revision, lastEntryRevision } = factsOf(streamed);

  expect(revision).toBe(22);
  // 3.4 removes the tombstone, newer ones keep it.
  expect((await readToolStatus(await fittingTool(), streamed, NEVER)).revision).toBe(lastEntryRevision);
});

test('a file tells of compaction, leases, authentication and how far the log was applied', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const untouched = await startEtcd();
  const before = await bothFiles(untouched, directory.path);
  await untouched[Symbol.asyncDispose]();
  expect(factsOf(before.copied)).toMatchObject({ compactRevision: -1, authEnabled: false });

  await putMany(etcd, 10);
  await etcd.ctl('compact', '5', '--physical');
  for (let lease = 0; lease < 3; lease += 1) await etcd.ctl('lease', 'grant', '3600');
  await etcd.ctl('user', 'add', 'root', '--new-user-password', 'secret');
  await etcd.ctl('user', 'grant-role', 'root', 'root');
  await etcd.ctl('auth', 'enable');
  await etcd.stop();

  const facts = factsOf(join(etcd.dataDir, 'member', 'snap', 'db'));

  expect(facts).toMatchObject({ revision: 11, compactRevision: 5, leaseCount: 3, authEnabled: true });
  // Eleven writes, one compaction, three leases, and what enabling authentication takes.
  expect(facts.consistentIndex).toBeGreaterThan(15);
});

test('a member that ran out of space left its alarm in the file', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd({ flags: ['--quota-backend-bytes=1000000'] });
  const { memberId } = await headerOf(etcd);
  const alarmsAfterPuts = async (): Promise<string> => {
    await putMany(etcd, 40, 60_000).catch(() => undefined);
    return await etcd.ctl('alarm', 'list');
  };
  await expect.poll(alarmsAfterPuts, { timeout: 20_000 }).toContain('NOSPACE');

  const { streamed, copied } = await bothFiles(etcd, directory.path);

  expect(factsOf(streamed).alarms).toEqual([{ memberId, alarm: 'NOSPACE' }]);
  expect(factsOf(copied).alarms).toEqual([{ memberId, alarm: 'NOSPACE' }]);
});

test('whichever bytes are flipped and wherever the file is cut, it is read or refused with a code', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  await putMany(etcd, 200, 200);
  await etcd.ctl('lease', 'grant', '3600');
  const { streamed } = await bothFiles(etcd, directory.path);
  const original = await readFile(streamed);
  const path = join(directory.path, 'flipped.db');
  const flips = fc.array(fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 40,
  });
  const cut = fc.option(fc.nat(original.length), { freq: 8 });
  const outcomes = new Set<string>();

  await fc.assert(
    fc.asyncProperty(flips, cut, async (where, lengthBytes) => {
      const bytes = Buffer.from(original.subarray(0, lengthBytes ?? original.length));
      for (const [at, mask] of where) {
        if (at < bytes.length) bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at);
      }
      await writeFile(path, bytes);
      outcomes.add(outcomeOf(() => factsOf(path)));
      return [...outcomes].every((outcome) =>
        ['read', 'SNAPSHOT_DAMAGED', 'SNAPSHOT_NOT_A_DATABASE'].includes(outcome),
      );
    }),
    { numRuns: 500 },
  );
  expect([...outcomes]).toContain('SNAPSHOT_DAMAGED');
});
