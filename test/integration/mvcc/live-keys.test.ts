import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { hashFile } from '../../../src/base/hash-file.ts';
import { openPageFile, type PageFile } from '../../../src/bbolt/page-file.ts';
import { findLastChange } from '../../../src/mvcc/find-last-change.ts';
import { rangeOfPrefix } from '../../../src/mvcc/key-range.ts';
import { etcdBucket } from '../../../src/mvcc/etcd-bucket.ts';
import { readChange } from '../../../src/mvcc/keyspace-entries.ts';
import { liveKeys, type LiveKeysOptions } from '../../../src/mvcc/live-keys.ts';
import { findEtcdBinary } from '../../support/etcd-binaries.ts';
import { etcdGateway, type AnsweredKey, type KeyChange } from '../../support/etcd-gateway.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { putInTransactions } from '../../support/put-many.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;

/** As etcd answers them: each key is found, then its value is read. */
async function keysOf(file: PageFile, options: LiveKeysOptions): Promise<AnsweredKey[]> {
  const bucket = etcdBucket(file, 'key');
  const found: AnsweredKey[] = [];
  for await (const live of liveKeys(file, options, NEVER)) {
    const { key, createRevision, modRevision, version, lease, valueSizeBytes } = live;
    const { bytes, head } = readChange(bucket, live);
    const value = Buffer.from(bytes.subarray(head.valueStart, head.valueEnd));
    expect(value.length).toBe(valueSizeBytes);
    found.push({ key, value, createRevision, modRevision, version, lease });
  }
  return found;
}

async function keyOf(file: PageFile, key: Buffer, revision: number): Promise<AnsweredKey | undefined> {
  const change = await findLastChange(file, { key, revision }, NEVER);
  if (change === undefined || change.isTombstone) return undefined;
  const { head, bytes } = change;
  const { createRevision, modRevision, version, lease, valueStart, valueEnd } = head;
  return {
    key,
    value: Buffer.from(bytes.subarray(valueStart, valueEnd)),
    createRevision,
    modRevision,
    version,
    lease,
  };
}

function codeOf(error: unknown): string {
  return error instanceof AgentError ? error.code : String(error);
}

const letters = fc.constantFrom(0x00, 0x2f, 0x61, 0x62, 0x80, 0xfe);
const someKey = fc.array(letters, { minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes));
const put = fc.record({ put: someKey, value: fc.uint8Array({ maxLength: 40 }).map((v) => Buffer.from(v)) });
const leasedPut = put.map((change) => ({ ...change, isLeased: true }));
const removal = fc.record({ deletePrefix: someKey });
/** One transaction: several keys may get the same revision. */
const transaction = fc.oneof(
  fc.uniqueArray(put, { minLength: 1, maxLength: 4, selector: ({ put: key }) => key.toString('hex') }),
  fc.tuple(leasedPut),
  fc.tuple(removal),
);
const history = fc.array(fc.oneof({ arbitrary: transaction, weight: 12 }, fc.constant('revoke' as const)), {
  minLength: 20,
  maxLength: 60,
});

test('every revision of a random keyspace is read as etcd answers it', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const gateway = etcdGateway(etcd);
  let lease = await gateway.grantLease();
  let round = 0;

  await fc.assert(
    fc.asyncProperty(history, fc.nat(99), async (work, compactPercent) => {
      const compactBefore = await gateway.revision();
      for (const step of work) {
        if (step === 'revoke') {
          await gateway.revokeLease(lease);
          lease = await gateway.grantLease();
        } else {
          const changes: KeyChange[] = step.map((one) => ('isLeased' in one ? { ...one, lease } : one));
          await gateway.change(...changes);
        }
      }
      const newest = await gateway.revision();
      const oldest = compactBefore + 1 + Math.floor(((newest - compactBefore - 1) * compactPercent) / 100);
      await gateway.compact(oldest);
      round += 1;
      const path = join(directory.path, `${round}.db`);
      await etcd.ctl('snapshot', 'save', path);
      const before = await hashFile(path, NEVER);

      using file = openPageFile(path);
      let earlier: readonly AnsweredKey[] = [];
      for (let revision = oldest; revision <= newest; revision += 1) {
        const answered = await gateway.keysAt(revision);
        const scratchDirectory = directory.path;
        expect(await keysOf(file, { revision, scratchDirectory })).toEqual(answered);
        expect(await keysOf(file, { revision, scratchDirectory, budgetBytes: 1 })).toEqual(answered);
        for (const { key } of [...earlier, ...answered.slice(0, 3)]) {
          const still = answered.find((one) => one.key.equals(key));
          expect(await keyOf(file, key, revision)).toEqual(still);
        }
        earlier = answered;
      }
      expect(await hashFile(path, NEVER)).toEqual(before);
      const refusal = async (revision: number): Promise<unknown[]> =>
        await Promise.all([
          keysOf(file, { revision, scratchDirectory: directory.path }).catch(codeOf),
          keyOf(file, Buffer.from('a'), revision).catch(codeOf),
        ]);
      expect(await refusal(newest + 1)).toEqual(['REVISION_FUTURE', 'REVISION_FUTURE']);
      expect(await refusal(oldest - 1)).toEqual(['REVISION_COMPACTED', 'REVISION_COMPACTED']);
    }),
    // A history cannot be taken back, so a smaller one cannot be tried.
    { numRuns: 6, endOnFailure: true },
  );
  // Snapshots alone: scratch files have no name.
  expect((await readdir(directory.path)).every((name) => name.endsWith('.db'))).toBe(true);
});

test('prefixes and ranges choose keys by their bytes', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const gateway = etcdGateway(etcd);
  const names = ['61', '612f', '612f62', '612fff', '612fff00', '6130', 'ff', 'ff00', 'ffff61'].map((hex) =>
    Buffer.from(hex, 'hex'),
  );
  await gateway.change(...names.map((name) => ({ put: name, value: Buffer.from('v') })));
  const path = join(directory.path, 'some.db');
  await etcd.ctl('snapshot', 'save', path);
  using file = openPageFile(path);
  const scratchDirectory = directory.path;
  const shown = async (ranges: LiveKeysOptions['ranges']): Promise<string[]> =>
    (await keysOf(file, { scratchDirectory, ...(ranges === undefined ? {} : { ranges }) })).map(({ key }) =>
      key.toString('hex'),
    );
  const ofPrefix = (hex: string): Promise<string[]> => shown([rangeOfPrefix(Buffer.from(hex, 'hex'))]);

  const all = names.map((name) => name.toString('hex'));
  expect(await shown(undefined)).toEqual(all);
  expect(await ofPrefix('')).toEqual(all);
  expect(await ofPrefix('612f')).toEqual(['612f', '612f62', '612fff', '612fff00']);
  expect(await ofPrefix('612fff')).toEqual(['612fff', '612fff00']);
  expect(await ofPrefix('ff')).toEqual(['ff', 'ff00', 'ffff61']);
  expect(await ofPrefix('62')).toEqual([]);
  expect(await shown([])).toEqual([]);
  expect(
    await shown([
      { start: Buffer.from('61', 'hex'), end: Buffer.from('612f', 'hex') },
      { start: Buffer.from('ff00', 'hex') },
    ]),
  ).toEqual(['61', 'ff00', 'ffff61']);
});

test('what is stopped in the middle leaves no scratch file, open or named', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  await putInTransactions(etcd, 3000, 10);
  const path = join(directory.path, 'many.db');
  await etcd.ctl('snapshot', 'save', path);
  await using scratch = await temporaryDirectory();
  using file = openPageFile(path);
  const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
  const options = { scratchDirectory: scratch.path, budgetBytes: 10_000 };
  const openBefore = await openFiles();

  for await (const { key } of liveKeys(file, options, NEVER)) {
    expect(key.toString()).toBe('key-000000');
    expect(await openFiles()).toBe(openBefore + 1);
    break;
  }
  expect(await openFiles()).toBe(openBefore);

  const stop = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { key } of liveKeys(file, options, stop.signal)) {
      seen.push(key.toString());
      if (seen.length === 1000) stop.abort(new Error('enough'));
    }
  })();
  await expect(reading).rejects.toThrow('enough');
  expect(seen.length).toBeLessThan(3000);
  expect(await openFiles()).toBe(openBefore);
  expect(await readdir(scratch.path)).toEqual([]);
});

const etcdutl = findEtcdBinary('etcdutl');

test.skipIf(etcdutl === undefined)(
  'a revision that a restore tool raised changes no key (needs etcdutl)',
  async () => {
    await using directory = await temporaryDirectory();
    await using etcd = await startEtcd();
    await putInTransactions(etcd, 200, 10);
    const path = join(directory.path, 'before.db');
    await etcd.ctl('snapshot', 'save', path);
    const dataDir = join(directory.path, 'raised');
    const raise = ['--bump-revision', '1000000', '--mark-compacted'];
    await execa(etcdutl ?? '', ['snapshot', 'restore', path, '--data-dir', dataDir, ...raise]);
    using before = openPageFile(path);
    using after = openPageFile(join(dataDir, 'member', 'snap', 'db'));
    const options = { scratchDirectory: directory.path };

    expect(await keysOf(after, options)).toEqual(await keysOf(before, options));
    const { createRevision, modRevision } = (await keysOf(before, options))[0] ?? {};
    const last = await findLastChange(after, { key: Buffer.from('key-000000') }, NEVER);
    expect(last?.head).toMatchObject({ createRevision, modRevision });
    await expect(keysOf(after, { ...options, revision: 3 })).rejects.toMatchObject({
      code: 'REVISION_COMPACTED',
      details: { revision: 1_000_003 },
    });
  },
);
