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
