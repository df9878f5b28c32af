import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { hashFile } from '../../../src/base/hash-file.ts';
import { typed } from '../../support/command-line.ts';
import { etcdGateway } from '../../support/etcd-gateway.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;
const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures');

interface Kept {
  readonly sizeBytes: number;
  readonly status: { readonly hash: number; readonly revision: number; readonly totalKey: number };
}

interface Recorded {
  readonly version: string;
  readonly liveKeys: number;
  readonly compactRevision: number;
  readonly leases: number;
  readonly streamed: Kept;
  readonly copied: Kept;
}

const fixtures = readdirSync(FIXTURES)
  .filter((name) => name.startsWith('etcd-'))
  .flatMap((name) => {
    const recorded = JSON.parse(readFileSync(join(FIXTURES, name, 'recorded.json'), 'utf8')) as Recorded;
    return (['streamed', 'copied'] as const).map((kind) => ({
      name: `${kind} from etcd ${recorded.version}`,
      recorded,
      kind,
      packed: join(FIXTURES, name, `${kind}.db.gz`),
    }));
  });

async function inspected(path: string, ...words: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await typed(['snapshot', 'inspect', path, ...words, '-o', 'json']);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe.each(fixtures)('a database $name', ({ recorded, kind, packed }) => {
  test("is told as its own tool's status told it, and is not changed", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'fixture.db');
    await writeFile(path, gunzipSync(await readFile(packed)));
    const before = await hashFile(path, NEVER);

    const { exitCode, stdout } = await typed(['snapshot', 'inspect', path, '--top', '3']);
    const found = await inspected(path);

    const { sizeBytes, status } = recorded[kind];
    // The tools of 3.4 and 3.5 count entries of any kind, those of 3.6 and 3.7 live keys.
    const counting = /^3\.[45]\./.test(recorded.version) ? 'etcd34' : 'etcd36';
    expect(found).toMatchObject({
      sizeBytes,
      trailer: kind === 'streamed' ? 'fits' : 'absent',
      statusHash: status.hash,
      statusTotalKeys: { [counting]: status.totalKey, etcd36: recorded.liveKeys },
      revision: status.revision,
      compactRevision: recorded.compactRevision,
      keyCount: recorded.liveKeys,
      leaseCount: recorded.leases,
      authEnabled: false,
      alarms: [],
      removedMemberIds: [],
      findings: [],
      findingCount: 0,
    });
    expect(found['members']).toMatchObject([{ name: 'm1', isLearner: false }]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`hash ${status.hash.toString(16)}, total keys ${recorded.liveKeys} `);
    expect(stdout).toMatch(/^sound: /m);
    expect(await hashFile(path, NEVER)).toEqual(before);
  });
});

test('who the cluster was is told, with those who left it', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd({ name: 'first one' });
  const added = await etcd.ctl('member', 'add', 'late', '--peer-urls=http://127.0.0.1:1', '--learner');
  const left = /Member +([0-9a-f]+) /.exec(added)?.[1] ?? '';
  await etcd.ctl('member', 'remove', left);
  await etcd.ctl('member', 'add', 'learning', '--peer-urls=http://127.0.0.1:2', '--learner');
  const path = join(directory.path, 'members.db');
  await etcd.ctl('snapshot', 'save', path);

  const found = await inspected(path);
  expect(found['removedMemberIds']).toEqual([left.padStart(16, '0')]);
  expect(found['members']).toEqual(
    expect.arrayContaining([
      {
        id: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
        name: 'first one',
        peerUrls: [etcd.peerUrl],
        clientUrls: [etcd.endpoint],
        isLearner: false,
      },
      {
        id: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
        name: expect.any(String) as string,
        peerUrls: ['http://127.0.0.1:2'],
        clientUrls: [],
        isLearner: true,
      },
    ]),
  );
  const { stdout } = await typed(['snapshot', 'inspect', path]);
  expect(stdout).toMatch(/^[0-9a-f]{16} +first one +http:/m);
  expect(stdout).toMatch(/^[0-9a-f]{16} \(learner\) /m);
  expect(stdout).toContain(`removed: ${left.padStart(16, '0')}`);
});

test('the largest prefixes are told, by what all their revisions take', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const gateway = etcdGateway(etcd);
  const put = (key: string, valueBytes: number): Promise<void> =>
    gateway.change({ put: Buffer.from(key), value: Buffer.alloc(valueBytes) });
  await put('/registry/pods/default/a', 1000);
  await put('/registry/pods/other/b', 2000);
  for (let turn = 0; turn < 5; turn += 1) await put('/registry/leases/x', 10);
  await gateway.change({ deletePrefix: Buffer.from('/registry/leases/x') });
  await put('plain', 1);
  const path = join(directory.path, 'top.db');
  await etcd.ctl('snapshot', 'save', path);

  const { top } = await inspected(path, '--top', '2');
  const shown = (prefix: string, bytes: number, revisions: number): object => ({
    prefix,
    prefixBase64: Buffer.from(prefix).toString('base64'),
    bytes,
    revisions,
  });
  const pods = shown('/registry/pods/', 3000 + 24 + 22, 2);
  const leases = shown('/registry/leases/', 50 + 6 * 18, 6);
  expect(top).toEqual({
    depth: 2,
    byBytes: [pods, leases],
    byRevisions: [leases, pods],
    missingBytes: 0,
    missingRevisions: 0,
  });
  const deeper = await inspected(path, '--top', '9', '--depth', '3');
  expect(deeper['top']).toMatchObject({
    byBytes: [
      { prefix: '/registry/pods/other/' },
      { prefix: '/registry/pods/default/' },
      { prefix: '/registry/leases/' },
      { prefix: '', bytes: 6, revisions: 1 },
    ],
  });
  expect((await typed(['snapshot', 'inspect', path, '--top', '9'])).stdout).toMatch(
    /^\(no slash\) +6 B +1$/m,
  );
  expect(await typed(['snapshot', 'inspect', path, '--top', '0'])).toMatchObject({ exitCode: 2 });
});

test('damage is told, each piece of it, and ends with the status of a damaged snapshot', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const gateway = etcdGateway(etcd);
  await gateway.change({ put: Buffer.from('k'), value: Buffer.alloc(5000) });
  const path = join(directory.path, 'whole.db');
  await etcd.ctl('snapshot', 'save', path);
  const flipped = join(directory.path, 'flipped.db');
  await copyFile(path, flipped);
  // In the middle of the value: no page says what it must be.
  const at = (await readFile(path)).indexOf(Buffer.alloc(4000)) + 2000;
  await using file = await open(flipped, 'r+');
  await file.write(Buffer.from('x'), 0, 1, at);
  const cut = join(directory.path, 'cut.db');
  await writeFile(cut, (await readFile(path)).subarray(0, -7));

  expect(await inspected(flipped)).toMatchObject({
    trailer: 'differs',
    keyCount: 1,
    findings: [{ kind: 'trailer' }],
    findingCount: 1,
  });
  expect(await inspected(cut)).toMatchObject({ trailer: 'absent', findings: [{ kind: 'size' }] });
  const text = await typed(['snapshot', 'inspect', flipped]);
  expect(text.exitCode).toBe(3);
  expect(text.stdout).toMatch(/^1 finding: do not restore from it\n.*\n {2}trailer {2}the trailer is /m);

  // A page of the tree that is another kind of page.
  const bytes = await readFile(path);
  const root = [2, 3, 4, 5, 6]
    .map((page) => page * 4096)
    .filter((start) => bytes.readUInt16LE(start + 8) === 2);
  for (const start of root) bytes.writeUInt16LE(0x10, start + 8);
  const broken = join(directory.path, 'broken.db');
  await writeFile(broken, bytes);
  const found = await inspected(broken, '--top', '3');
  expect(found['findingCount']).toBeGreaterThan(1);
  expect(found['findings']).toMatchObject([{ kind: 'trailer' }, { kind: 'wrong-type' }]);
  expect(found['keyCount']).toBeUndefined();
});
