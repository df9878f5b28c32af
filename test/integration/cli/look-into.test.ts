import { createWriteStream } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { hashFile } from '../../../src/base/hash-file.ts';
import { openCatalog } from '../../../src/snapshot/catalog.ts';
import { openLocalDirectory } from '../../../src/storage/local-directory.ts';
import { typed, type Finished } from '../../support/command-line.ts';
import { etcdGateway } from '../../support/etcd-gateway.ts';
import { startEtcd, type RunningEtcd } from '../../support/etcd-process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { testProver } from '../../support/thread-programs.ts';

const NEVER = new AbortController().signal;

interface Line {
  readonly kind?: string;
  readonly key: string;
  readonly keyBase64: string;
  readonly modRevision?: number;
}

function linesOf({ stdout }: Finished): Line[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

async function saved(etcd: RunningEtcd, directory: string, name: string): Promise<string> {
  const path = join(directory, `${name}.db`);
  await etcd.ctl('snapshot', 'save', path);
  return path;
}

/** What any command does to a file: nothing. */
async function withoutChange<T>(paths: readonly string[], work: () => Promise<T>): Promise<T> {
  const hashes = (): Promise<unknown> => Promise.all(paths.map((path) => hashFile(path, NEVER)));
  const before = await hashes();
  const result = await work();
  expect(await hashes()).toEqual(before);
  return result;
}

test('keys and values are those that etcd gives at every revision', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const gateway = etcdGateway(etcd);
  await etcd.ctl('put', '/app/a', 'one');
  await etcd.ctl('put', '/app/b', 'two\nlines');
  await etcd.ctl('put', '/app/a', 'overwritten');
  await etcd.ctl('del', '/app/b');
  await etcd.ctl('put', '/app/b', 'created again');
  const lease = await gateway.grantLease();
  await gateway.change({ put: Buffer.from('/leased'), value: Buffer.from('goes'), lease });
  await gateway.revokeLease(lease);
  await etcd.ctl('put', '/other', '');
  await etcd.ctl('compact', '3', '--physical');
  const newest = await gateway.revision();
  const path = await saved(etcd, directory.path, 'history');

  await withoutChange([path], async () => {
    for (let revision = 3; revision <= newest; revision += 1) {
      const at = ['--revision', String(revision)];
      const answered = await gateway.keysAt(revision);
      const listed = await typed(['snapshot', 'keys', path, ...at]);
      expect(listed).toMatchObject({ exitCode: 0, stderr: '' });
      expect(listed.stdout).toBe(answered.map(({ key }) => `${key.toString()}\n`).join(''));
      const details = linesOf(await typed(['snapshot', 'keys', path, ...at, '-o', 'json']));
      expect(details).toEqual(
        answered.map(({ key, value, lease: leaseId, ...rest }) => ({
          key: key.toString(),
          keyBase64: key.toString('base64'),
          ...rest,
          ...(leaseId === 0n ? {} : { lease: leaseId.toString(16).padStart(16, '0') }),
          valueSizeBytes: value.length,
        })),
      );
      for (const name of ['/app/a', '/app/b', '/leased', '/other']) {
        const expected = answered.find(({ key }) => key.toString() === name);
        const got = await typed(['snapshot', 'get', path, name, ...at]);
        // etcdctl ends a value with a line end.
        const theirs = await etcd.ctl('get', name, '--print-value-only', `--rev=${revision}`);
        expect(got.stdout).toBe(theirs.replace(/\n$/, ''));
        expect(got.exitCode).toBe(expected === undefined ? 1 : 0);
        expect(got.stderr).toMatch(expected === undefined ? /^error KEY_UNKNOWN: .*\nhint: / : /^$/);
      }
    }
  });
  const deleted = await typed(['snapshot', 'get', path, '/app/b', '--revision', '5', '-o', 'json']);
  expect(JSON.parse(deleted.stdout)).toMatchObject({
    error: { code: 'KEY_UNKNOWN', details: { deletedAt: 5 } },
  });
  const json = await typed(['snapshot', 'get', path, '/app/b', '-o', 'json']);
  expect(JSON.parse(json.stdout)).toEqual({
    key: '/app/b',
    keyBase64: Buffer.from('/app/b').toString('base64'),
    createRevision: 6,
    modRevision: 6,
    version: 1,
    value: Buffer.from('created again').toString('base64'),
  });
  const some = await typed(['snapshot', 'keys', path, '--prefix', '/app/', '--limit', '1']);
  expect(some.stdout).toBe('/app/a\n');
  const early = await typed(['snapshot', 'keys', path, '--revision', '2', '-o', 'json']);
  expect(JSON.parse(early.stdout)).toMatchObject({ error: { code: 'REVISION_COMPACTED' } });
  const late = await typed(['snapshot', 'get', path, '/other', '--revision', String(newest + 1)]);
  expect(late).toMatchObject({ exitCode: 1, stdout: '' });
  expect(late.stderr).toMatch(/^error REVISION_FUTURE: .* is a future revision/);
});

test('bytes that are no text are shown so that they can be typed, and values come as they are', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const key = Buffer.from('00ff5c0a612f', 'hex');
  const value = Buffer.from([...Array(256).keys()]);
  await etcdGateway(etcd).change({ put: key, value });
  const path = await saved(etcd, directory.path, 'binary');

  const { stdout } = await typed(['snapshot', 'keys', path]);
  expect(stdout).toBe('\\x00\\xff\\\\\\x0aa/\n');
  const out = join(directory.path, 'value');
  const file = createWriteStream(out);
  const terminal = { stdin: new PassThrough(), stdout: file, stderr: new PassThrough() };
  await typed(['snapshot', 'get', path, stdout.trimEnd()], { terminal });
  file.end();
  await finished(file);
  expect(await readFile(out)).toEqual(value);
  expect((await typed(['snapshot', 'keys', path, '--prefix', '\\x00\\xff'])).stdout).toBe(stdout);
  expect(await typed(['snapshot', 'get', path, 'a\\b'])).toMatchObject({ exitCode: 2 });
});

test('a diff tells what became of each key, and nothing of its value', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const gateway = etcdGateway(etcd);
  const put = (name: string, value: string, lease = 0n): Promise<void> =>
    gateway.change({ put: Buffer.from(name), value: Buffer.from(value), lease });
  for (const name of ['/a/gone', '/a/kept', '/a/longer', '/a/again', '/a/leased', '/b/gone']) {
    await put(name, 'before');
  }
  await put('/a/flipped', 'SECRET-1');
  const before = await saved(etcd, directory.path, 'before');
  await gateway.change({ deletePrefix: Buffer.from('/a/gone') }, { deletePrefix: Buffer.from('/b/gone') });
  await put('/a/longer', 'a longer one');
  // As long as the one before it.
  await put('/a/flipped', 'SECRET-2');
  await put('/a/again', 'before');
  await put('/a/leased', 'before', await gateway.grantLease());
  await put('/a/new', 'SECRET-3');
  const after = await saved(etcd, directory.path, 'after');

  const diff = (...words: string[]): Promise<Finished> =>
    withoutChange([before, after], () => typed(['snapshot', 'diff', ...words]));
  const text = await diff(before, after);
  const kinds = linesOf(await diff(before, after, '-o', 'json')).map(({ kind, key }) => [kind, key]);
  expect(kinds).toEqual([
    ['rewritten', '/a/again'],
    ['changed', '/a/flipped'],
    ['removed', '/a/gone'],
    ['changed', '/a/leased'],
    ['changed', '/a/longer'],
    ['added', '/a/new'],
    ['removed', '/b/gone'],
    ['summary', undefined],
  ]);
  expect(text.exitCode).toBe(1);
  expect(text.stdout.split('\n').slice(0, -1)).toEqual([
    '~ /a/flipped  revision 8 → 11, 8 B → 8 B',
    '- /a/gone  revision 2, 6 B',
    expect.stringMatching(/^~ \/a\/leased {2}revision 6 → 13, 6 B → 6 B, no lease → lease [0-9a-f]{16}$/),
    '~ /a/longer  revision 4 → 10, 6 B → 12 B',
    '+ /a/new  revision 14, 8 B',
    '- /b/gone  revision 7, 6 B',
    `1 added, 2 removed, 3 changed, 2 the same (1 of them written again): from ${before} at revision 8 to ${after} at revision 14`,
  ]);
  expect(text.stdout).not.toContain('SECRET');
  const within = linesOf(await diff(before, after, '--prefix', '/b/', '-o', 'json'));
  expect(within).toMatchObject([
    { kind: 'removed', key: '/b/gone', before: { modRevision: 7, valueSizeBytes: 6 } },
    { kind: 'summary', removed: 1, added: 0, changed: 0, rewritten: 0, same: 0 },
  ]);
  expect(await diff(before, before)).toMatchObject({
    exitCode: 0,
    stdout: `0 added, 0 removed, 0 changed, 7 the same: from ${before} at revision 8 to ${before} at revision 8\n`,
  });
  expect(await diff(before, after, '--prefix', '/none/')).toMatchObject({ exitCode: 0 });
});

test('what the agent keeps is found by its ID and as latest, with the agent down', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const snapshots = join(directory.path, 'snapshots');
  const configFile = join(directory.path, 'config.yaml');
  await writeFile(
    configFile,
    [
      'agent: { name: h1 }',
      'etcd:',
      '  { memberName: m1, endpoint: "http://127.0.0.1:2379", peerUrls: ["http://127.0.0.1:2380"], dataDir: /d }',
      'supervisor: { kind: systemd }',
      `snapshots: { directory: ${snapshots} }`,
      '',
    ].join('\n'),
  );
  const storage = await openLocalDirectory(snapshots, { clock: systemClock });
  const catalog = openCatalog(storage, { agent: 'h1', clock: systemClock, prover: testProver });
  await etcd.ctl('put', 'k', 'older');
  const older = await catalog.importFile(await saved(etcd, directory.path, 'older'), {}, NEVER);
  await etcd.ctl('put', 'k', 'newer');
  await catalog.importFile(await saved(etcd, directory.path, 'newer'), {}, NEVER);
  const path = catalog.pathOf(older.id);
  const atLatest = (word: string): Promise<Finished> =>
    typed(['snapshot', 'get', word, 'k'], { configFile, workingDirectory: directory.path });

  // Its lock is held meanwhile, as by an agent that runs.
  expect(await atLatest('latest')).toMatchObject({ exitCode: 0, stdout: 'newer' });
  expect(await atLatest(older.id)).toMatchObject({ exitCode: 0, stdout: 'older' });
  await storage.close();
  expect(await atLatest('latest')).toMatchObject({ exitCode: 0, stdout: 'newer' });
  // A name of a file goes before all.
  await copyFile(path, join(directory.path, 'latest'));
  expect(await atLatest('latest')).toMatchObject({ exitCode: 0, stdout: 'older' });
  expect(await atLatest('20261123T143000Z-h1-r1-abcdef')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^error SNAPSHOT_UNKNOWN: /) as string,
  });
  expect((await atLatest('misspelt.db')).stderr).toMatch(
    /^error SNAPSHOT_UNKNOWN: "misspelt.db" is neither a file here nor the ID of a snapshot\n/,
  );

  for (const word of [older.id, path]) {
    const inspected = await typed(['snapshot', 'inspect', word, '-o', 'json'], { configFile });
    expect(JSON.parse(inspected.stdout)).toMatchObject({
      name: word,
      path,
      manifest: { id: older.id },
      revision: 2,
      keyCount: 1,
      findings: [],
    });
  }
  await writeFile(join(path, '..', 'manifest.json'), '{}');
  const unreadable = await typed(['snapshot', 'inspect', older.id], { configFile });
  expect(unreadable).toMatchObject({ exitCode: 0 });
  expect(unreadable.stdout).toMatch(/^ {2}manifest +unreadable: /m);
});
