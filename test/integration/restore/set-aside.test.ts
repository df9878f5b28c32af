import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findSetAside, removeSetAside } from '../../../src/restore/set-aside.ts';
import { sweepStaging } from '../../../src/restore/sweep-staging.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;

async function plant(path: string): Promise<void> {
  await mkdir(join(path, 'snap'), { recursive: true });
  await writeFile(join(path, 'snap', 'db'), Buffer.alloc(100_000, 1));
}

test('what operations and rejoins set aside is found by its name, with its size and time, and nothing else is', async () => {
  await using scratch = await temporaryDirectory();
  const names = [
    'member',
    'member.before-20261123T150000Z-a1b2c3',
    'member.restored-20261122T150000Z-a1b2c3',
    'member.before-rejoin-20261121T150000Z',
    'member.before-lunch',
    'xmember.before-20261123T150000Z-a1b2c3',
  ];
  for (const name of names) await plant(join(scratch.path, name));
  const found = await findSetAside([scratch.path, join(scratch.path, 'gone')], NEVER);
  expect(
    found.map(({ operation, kind, sinceMs }) => [operation, kind, new Date(sinceMs).toISOString()]),
  ).toEqual([
    ['20261123T150000Z-a1b2c3', 'before', '2026-11-23T15:00:00.000Z'],
    ['rejoin-20261121T150000Z', 'before', '2026-11-21T15:00:00.000Z'],
    ['20261122T150000Z-a1b2c3', 'restored', '2026-11-22T15:00:00.000Z'],
  ]);
  for (const { sizeBytes } of found) expect(sizeBytes).toBeGreaterThanOrEqual(100_000);
});

test('a removal follows no link out of the data, and leaves nothing', async () => {
  await using scratch = await temporaryDirectory();
  const data = join(scratch.path, 'data');
  const path = join(data, 'member.before-20261123T150000Z-a1b2c3');
  await plant(path);
  await plant(join(scratch.path, 'elsewhere'));
  await symlink(join(scratch.path, 'elsewhere'), join(path, 'link'));
  await removeSetAside(path);
  expect(await readdir(data)).toEqual([]);
  expect(await readdir(join(scratch.path, 'elsewhere', 'snap'))).toEqual(['db']);
});

test('what a crash left of a removal is data no more: the next start removes it', async () => {
  await using scratch = await temporaryDirectory();
  await plant(join(scratch.path, '.lifeboat', 'removed-member.before-20261123T150000Z-a1b2c3'));
  expect(await findSetAside([scratch.path], NEVER)).toEqual([]);
  expect(await sweepStaging([scratch.path], undefined)).toHaveLength(1);
  expect(await readdir(scratch.path)).toEqual([]);
});
