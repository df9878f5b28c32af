import { mkdir, readdir, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JournalEntry } from '../../../src/formats/restore-journal.ts';
import { Journal } from '../../../src/restore/journal.ts';
import { OPERATION, samplePlan } from '../../support/control-samples.ts';
import { fill, makeRoom, mountSmallDisk } from '../../support/small-disk.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const at = '2026-11-23T15:00:00.000Z';
const opening: JournalEntry = {
  ...{ type: 'opened', at, version: 1, operation: OPERATION, epoch: { counter: 1, agent: 'h1' } },
  ...{ requestedBy: 'root', plan: samplePlan() },
} as const;

function step(name: string): JournalEntry {
  return { type: 'step', at, step: name, outcome: 'done' };
}

async function readBack(path: string): Promise<readonly JournalEntry[]> {
  const { journal, entries } = await Journal.open(path);
  await journal.close();
  return entries;
}

test('what the host and the coordinator append at the same moment is all there', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'operations', OPERATION, 'journal');
  const journal = await Journal.create(path, [opening]);
  const names = Array.from({ length: 20 }, (_, index) => `step-${index}`);
  await Promise.all(names.map((name) => journal.append([step(name), step(`${name}-again`)])));
  await journal.close();
  expect(await readBack(path)).toEqual([
    opening,
    ...names.flatMap((name) => [step(name), step(`${name}-again`)]),
  ]);
});

test('room is taken before the operation begins and given back when it has ended', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'operations', OPERATION, 'journal');
  const journal = await Journal.create(path, [opening]);
  const { size, mode } = await stat(path);
  expect(mode & 0o777).toBe(0o600);
  await journal.append([step('one')]);
  expect((await stat(path)).size).toBe(size);
  await journal.trim();
  expect((await readFile(path)).includes(0)).toBe(false);
  await journal.append([step('two')]);
  await journal.close();
  expect(await readBack(path)).toEqual([opening, step('one'), step('two')]);
});

test('after a torn write the journal goes on where the last whole line ended', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'operations', OPERATION, 'journal');
  const first = await Journal.create(path, [opening]);
  await first.append([step('whole')]);
  await first.append([step('torn')]);
  await first.trim();
  await first.close();
  await truncate(path, (await stat(path)).size - 3);

  const { journal, entries } = await Journal.open(path);
  expect(entries).toEqual([opening, step('whole')]);
  await journal.append([step('next')]);
  await journal.close();
  expect(await readBack(path)).toEqual([opening, step('whole'), step('next')]);
});

test('a journal is never begun over another, which stays as it is', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'operations', OPERATION, 'journal');
  await (await Journal.create(path, [opening])).close();
  await expect(Journal.create(path, [opening, step('other')])).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await readBack(path)).toEqual([opening]);
  expect(await readdir(join(path, '..'))).toEqual(['journal']);
});

test.skipIf(process.getuid?.() !== 0)(
  'what could not be written is written later in the same place (only root can mount a small disk)',
  async () => {
    await using directory = await temporaryDirectory();
    const disk = join(directory.path, 'disk');
    await mkdir(disk);
    await using _mounted = await mountSmallDisk(disk, 1);
    const path = join(disk, 'operations', OPERATION, 'journal');
    const journal = await Journal.create(path, [opening]);
    await journal.trim();
    await fill(disk);
    const long = step('x'.repeat(8192));
    await expect(journal.append([long])).rejects.toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
    await makeRoom(disk);
    await journal.append([step('short')]);
    await journal.append([long]);
    await journal.close();
    expect(await readBack(path)).toEqual([opening, step('short'), long]);
  },
);
