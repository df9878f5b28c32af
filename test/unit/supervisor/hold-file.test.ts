import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HoldFile } from '../../../src/supervisor/hold-file.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const SINCE = '2026-01-02T03:04:05.000Z';

test('the file says which operation holds and since when', async () => {
  await using directory = await temporaryDirectory();
  const hold = new HoldFile(join(directory.path, 'hold'));
  expect(await hold.heldBy()).toBeUndefined();
  await hold.place('op-1', SINCE);
  expect(await hold.heldBy()).toBe('op-1');
  expect(JSON.parse(await readFile(hold.path, 'utf8'))).toEqual({ operation: 'op-1', since: SINCE });
});

test.each(['', 'not JSON', 'null', '{"operation":7}'])(
  'a file with the content %j holds all the same',
  async (text) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'hold');
    await writeFile(path, text);
    expect(await new HoldFile(path).heldBy()).toBe('unknown');
  },
);

const FENCE = { by: 'op-0', since: SINCE, stopped: true };

test("a fence alone is no operation's hold, and the file is there for it", async () => {
  await using directory = await temporaryDirectory();
  const hold = new HoldFile(join(directory.path, 'hold'));
  await hold.fence(FENCE);
  expect(await hold.heldBy()).toBeUndefined();
  expect(await hold.fencedBy()).toEqual(FENCE);
  expect(await hold.owner()).toBe('op-0');
  expect(await readdir(directory.path)).toEqual(['hold']);
});

test('a hold and a fence do not lift each other, and the file goes with the last of them', async () => {
  await using directory = await temporaryDirectory();
  const hold = new HoldFile(join(directory.path, 'hold'));
  await hold.fence(FENCE);
  await hold.place('op-1', SINCE);
  expect(await hold.owner()).toBe('op-1');
  await hold.remove();
  expect([await hold.heldBy(), await hold.fencedBy()]).toEqual([undefined, FENCE]);
  await hold.place('op-2', SINCE);
  await hold.liftFence();
  expect([await hold.heldBy(), await hold.fencedBy()]).toEqual(['op-2', undefined]);
  await hold.fence(FENCE);
  await hold.remove();
  await hold.liftFence();
  expect(await readdir(directory.path)).toEqual([]);
});

test('lifting a fence that is not there leaves a hold made by hand as it is', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'hold');
  await writeFile(path, '');
  await new HoldFile(path).liftFence();
  expect(await readFile(path, 'utf8')).toBe('');
});
