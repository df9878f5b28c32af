import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
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

test('the hold is gone while the work runs and back after it, also when the work fails', async () => {
  await using directory = await temporaryDirectory();
  const hold = new HoldFile(join(directory.path, 'hold'));
  await hold.place('op-1', SINCE);
  const seen = await hold.whileLifted(() => readdir(directory.path));
  expect(seen).toEqual(['hold.lifted']);
  expect(await readdir(directory.path)).toEqual(['hold']);

  await expect(hold.whileLifted(() => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck');
  expect(await readdir(directory.path)).toEqual(['hold']);
});

test('lifting what is not there leaves nothing behind', async () => {
  await using directory = await temporaryDirectory();
  const hold = new HoldFile(join(directory.path, 'hold'));
  expect(await hold.whileLifted(() => readdir(directory.path))).toEqual([]);
  expect(await readdir(directory.path)).toEqual([]);
});

test('a crash between lifting and putting back is seen by the next one', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'hold');
  await writeFile(`${path}.lifted`, JSON.stringify({ operation: 'op-1', since: SINCE }));
  const hold = new HoldFile(path);
  expect(await hold.heldBy()).toBe('op-1');
  await hold.mend();
  expect(await readdir(directory.path)).toEqual(['hold']);

  await writeFile(`${path}.lifted`, JSON.stringify({ operation: 'op-0', since: SINCE }));
  await hold.mend();
  expect(await readdir(directory.path)).toEqual(['hold']);
  expect(await hold.heldBy()).toBe('op-1');
});

test('a removed hold does not come back', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'hold');
  const hold = new HoldFile(path);
  await hold.place('op-1', SINCE);
  await writeFile(`${path}.lifted`, '{}');
  await hold.remove();
  expect(await readdir(directory.path)).toEqual([]);
});

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

test('a start under a fence leaves it in force, also when the agent crashed meanwhile', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'hold');
  const hold = new HoldFile(path);
  await hold.fence(FENCE);
  expect(await hold.whileLifted(() => readdir(directory.path))).toEqual(['hold.lifted']);
  expect(await hold.fencedBy()).toEqual(FENCE);
  await rename(path, `${path}.lifted`);
  await new HoldFile(path).mend();
  expect(await hold.fencedBy()).toEqual(FENCE);
});

test('lifting a fence that is not there leaves a hold made by hand as it is', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'hold');
  await writeFile(path, '');
  await new HoldFile(path).liftFence();
  expect(await readFile(path, 'utf8')).toBe('');
});
