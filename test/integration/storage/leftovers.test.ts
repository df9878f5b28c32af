import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { formatManifest } from '../../../src/formats/snapshot-manifest.ts';
import { openLocalDirectory } from '../../../src/storage/local-directory.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const ID = sampleManifest().id;
const OTHER = '20261123T150000Z-host-a-r43-0a1b2d';

async function place(directory: string, name: string, files: Record<string, string>): Promise<void> {
  await mkdir(join(directory, name), { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(directory, name, file), text);
}

test('what a crash left is swept at the next start and was never listed', async () => {
  await using directory = await temporaryDirectory();
  const path = directory.path;
  await place(path, ID, { 'snapshot.db': 'sound', 'manifest.json': formatManifest(sampleManifest()) });
  await place(path, OTHER, { 'snapshot.db': 'no manifest yet' });
  await place(path, '0123456789abcdef.partial', { 'snapshot.db': 'half' });
  await place(path, `${OTHER}.00000000.removing`, { 'manifest.json': formatManifest(sampleManifest()) });

  const storage = await openLocalDirectory(path, { clock: systemClock });

  expect((await storage.list()).map(({ id }) => id)).toEqual([ID]);
  expect((await readdir(path)).sort()).toEqual([ID, 'incoming', 'lock']);
  expect([...storage.swept].sort()).toEqual(
    ['0123456789abcdef.partial', OTHER, `${OTHER}.00000000.removing`].sort(),
  );
  await storage.close();
});

test('a manifest that a crash cut while it was replaced leaves the old one, and no debris', async () => {
  await using directory = await temporaryDirectory();
  await place(directory.path, ID, {
    'snapshot.db': 'sound',
    'manifest.json': formatManifest(sampleManifest()),
    'manifest.json.partial': '{"version"',
  });

  const storage = await openLocalDirectory(directory.path, { clock: systemClock });

  expect(await storage.list()).toMatchObject([{ state: 'sound', id: ID }]);
  expect((await readdir(join(directory.path, ID))).sort()).toEqual(['manifest.json', 'snapshot.db']);
  await storage.close();
});

test('a damaged manifest is reported and not hidden, also one of another snapshot', async () => {
  await using directory = await temporaryDirectory();
  await place(directory.path, ID, { 'snapshot.db': 'x', 'manifest.json': '{"version": 7}' });
  await place(directory.path, OTHER, {
    'snapshot.db': 'x',
    'manifest.json': formatManifest(sampleManifest()),
  });

  const storage = await openLocalDirectory(directory.path, { clock: systemClock });
  const entries = await storage.list();

  expect(entries.map(({ state }) => state)).toEqual(['damaged', 'damaged']);
  expect(entries).toContainEqual({ state: 'damaged', id: OTHER, problem: `the manifest is of ${ID}` });
  await storage.remove(OTHER);
  expect(await storage.list()).toHaveLength(1);
  await storage.close();
});

test('a download is kept for a day, so that it can be resumed', async () => {
  await using directory = await temporaryDirectory();
  const now = Date.UTC(2026, 10, 23);
  const clock: Clock = { now: () => now, sleep: () => Promise.resolve() };
  const first = await openLocalDirectory(directory.path, { clock });
  await writeFile(first.incomingPath(ID), 'young');
  await writeFile(first.incomingPath(OTHER), 'old');
  await utimes(first.incomingPath(ID), now / 1000, now / 1000 - 23 * 3600);
  await utimes(first.incomingPath(OTHER), now / 1000, now / 1000 - 25 * 3600);
  await first.close();

  const second = await openLocalDirectory(directory.path, { clock });

  expect(await readdir(join(directory.path, 'incoming'))).toEqual([`${ID}.partial`]);
  await second.close();
});

test('files that are not ours are neither listed nor swept', async () => {
  await using directory = await temporaryDirectory();
  await place(directory.path, 'lost+found', {});
  await writeFile(join(directory.path, 'README'), 'by a person');

  const storage = await openLocalDirectory(directory.path, { clock: systemClock });

  expect(await storage.list()).toEqual([]);
  expect(await readdir(directory.path)).toEqual(expect.arrayContaining(['README', 'lost+found']));
  await storage.close();
});

test('only the owner can read snapshots', async () => {
  await using directory = await temporaryDirectory();
  const storage = await openLocalDirectory(join(directory.path, 'new'), { clock: systemClock });
  const draft = await storage.begin();
  await writeFile(draft.path, 'x', { mode: 0o600 });
  await draft.publish(sampleManifest());

  const modes = await Promise.all(
    ['', ID, `${ID}/snapshot.db`, `${ID}/manifest.json`].map(
      async (name) => (await stat(join(directory.path, 'new', name))).mode & 0o777,
    ),
  );

  expect(modes).toEqual([0o700, 0o700, 0o600, 0o600]);
  await storage.close();
});

test('a second process does not sweep the drafts of the first', async () => {
  await using directory = await temporaryDirectory();
  const first = await openLocalDirectory(directory.path, { clock: systemClock });
  const draft = await first.begin();

  await expect(openLocalDirectory(directory.path, { clock: systemClock })).rejects.toMatchObject({
    code: 'AGENT_ALREADY_RUNNING',
  });

  await writeFile(draft.path, 'still there');
  await draft.publish(sampleManifest());
  expect(await first.list()).toHaveLength(1);
  await first.close();
});
