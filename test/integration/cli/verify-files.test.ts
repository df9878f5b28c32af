import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatManifest } from '../../../src/formats/snapshot-manifest.ts';
import { typed } from '../../support/command-line.ts';
import { startControlAgent } from '../../support/control-agent.ts';
import { damageBranch, damageValue, sha256Of, unpackFixture } from '../../support/damage.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

// `lifeboat snapshot verify PATH` in this process, without an agent.

test('a file is proved without an agent, and what was found is told', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'streamed.db');
  await unpackFixture('streamed', path);
  const sha256 = await sha256Of(path);

  const text = await typed(['snapshot', 'verify', path]);
  const json = await typed(['snapshot', 'verify', 'streamed.db', '-o', 'json'], {
    workingDirectory: directory.path,
  });

  expect(text).toMatchObject({ exitCode: 0 });
  expect(text.stdout.split('\n')).toEqual([
    `sound  ${path}`,
    `  sha256    ${sha256}`,
    '  trailer   compared: it is the SHA-256 of the bytes before it',
    '  size      68.0 KiB',
    '  revision  126, compacted up to 60',
    '  keys      113',
    '  hashkv    1201983899',
    '  findings  none',
    '',
  ]);
  expect(json).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(json.stdout)).toEqual({
    verified: [
      {
        path,
        ok: true,
        sha256,
        sizeBytes: 69664,
        trailer: 'fits',
        revision: 126,
        compactRevision: 60,
        keyCount: 113,
        hashKv: { hash: 1201983899, revision: 126, compactRevision: 60 },
        findings: [],
        findingCount: 0,
      },
    ],
  });
  expect(await sha256Of(path)).toBe(sha256);
});

test('a damaged file ends the command with exit status 3 and its findings, and stays as it is', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'copied.db');
  await unpackFixture('copied', path);
  await damageBranch(path);
  const sha256 = await sha256Of(path);

  const { exitCode, stdout } = await typed(['snapshot', 'verify', path]);
  const json = await typed(['snapshot', 'verify', path, '-o', 'json']);

  expect(exitCode).toBe(3);
  expect(stdout).toMatch(/^FAILED {2}.*copied\.db {2}\d+ findings? in its structure: page \d+: /);
  expect(stdout).toMatch(/^ {2}trailer {3}none: /m);
  expect(json.exitCode).toBe(3);
  expect(JSON.parse(json.stdout)).toMatchObject({
    verified: [
      {
        ok: false,
        failure: { code: 'SNAPSHOT_DAMAGED' },
        sha256,
        trailer: 'absent',
        findings: expect.arrayContaining([expect.stringMatching(/^page \d+: /)]) as string[],
      },
    ],
  });
  expect(await sha256Of(path)).toBe(sha256);
});

test('a stored file is held against the manifest beside it, which is left alone', async () => {
  await using directory = await temporaryDirectory();
  const stored = join(directory.path, '20261123T143000Z-h1-r126-abcdef');
  const path = join(stored, 'snapshot.db');
  await mkdir(stored);
  await unpackFixture('copied', path);
  const manifest = sampleManifest({
    hasTrailer: false,
    grade: 'raw',
    revision: 126,
    sha256: await sha256Of(path),
    sizeBytes: 69632,
  });
  await writeFile(join(stored, 'manifest.json'), formatManifest(manifest));
  const manifestSum = await sha256Of(join(stored, 'manifest.json'));
  expect(await typed(['snapshot', 'verify', path])).toMatchObject({ exitCode: 0 });
  // Its structure is sound, and the manifest knows what the value was.
  await damageValue(path);

  const { exitCode, stdout } = await typed(['snapshot', 'verify', path]);

  expect(exitCode).toBe(3);
  expect(stdout).toContain(`the manifest says ${manifest.sha256}`);
  expect(await sha256Of(join(stored, 'manifest.json'))).toBe(manifestSum);
});

test('files and snapshots of the agent are verified by one command, and a wrong name ends it before the first byte', async () => {
  await using directory = await temporaryDirectory();
  const { id } = sampleManifest();
  await using agent = await startControlAgent({
    'snapshot.verify': ({ ids }) =>
      Promise.resolve({
        verified: (ids === 'all' ? [] : ids).map((each) => ({ id: each, ok: true, grade: 'hashed' })),
      }),
  });
  await unpackFixture('copied', join(directory.path, 'a.db'));
  await copyFile(join(directory.path, 'a.db'), join(directory.path, 'b.db'));
  const here = { workingDirectory: directory.path };
  const socket = ['--socket', agent.socketPath];

  const both = await typed(['snapshot', 'verify', './a.db', id, 'b.db', ...socket], here);
  const wrong = await typed(['snapshot', 'verify', id, 'c.db', ...socket], here);
  const absent = await typed(['snapshot', 'verify', id, './c.db', ...socket], here);

  expect(both.exitCode).toBe(0);
  expect(both.stdout.match(/^sound {2}.*/gm)).toEqual([
    `sound  ${id}  hashed`,
    `sound  ${join(directory.path, 'a.db')}`,
    `sound  ${join(directory.path, 'b.db')}`,
  ]);
  expect(wrong).toMatchObject({ exitCode: 1, stdout: '' });
  expect(wrong.stderr).toContain(
    'error SNAPSHOT_UNKNOWN: "c.db" is neither a file here nor the ID of a snapshot',
  );
  expect(absent).toMatchObject({ exitCode: 1, stdout: '' });
  expect(absent.stderr).toContain('error FILE_UNREADABLE: ');
});

test('nobody is told of soundness when reading stops because nobody listens', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'copied.db');
  await unpackFixture('copied', path);

  const { exitCode, stdout } = await typed(['snapshot', 'verify', path], {
    stdoutGone: AbortSignal.abort(new Error('the pipe is closed')),
  });

  expect(exitCode).toBe(1);
  expect(stdout).toBe('');
});
