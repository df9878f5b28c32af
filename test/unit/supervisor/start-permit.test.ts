import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StartPermit } from '../../../src/supervisor/start-permit.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('a permit is there while the work runs, also where its directory was not, and never after it', async () => {
  await using directory = await temporaryDirectory();
  const runtimeDir = join(directory.path, 'run');
  const permit = new StartPermit(runtimeDir);
  expect(await permit.during(() => readdir(runtimeDir))).toEqual(['start-permit']);
  expect(await readdir(runtimeDir)).toEqual([]);

  await expect(permit.during(() => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck');
  expect(await readdir(runtimeDir)).toEqual([]);
});

test('the next agent withdraws what one that crashed left, and does not mind when there is nothing', async () => {
  await using directory = await temporaryDirectory();
  const permit = new StartPermit(directory.path);
  await writeFile(permit.path, '');
  await permit.withdraw();
  await permit.withdraw();
  expect(await readdir(directory.path)).toEqual([]);
});

test('a permit lies in memory, or it would outlive a power cut', async () => {
  await using memory = await temporaryDirectory('/dev/shm');
  await new StartPermit(memory.path).requireShortLived();
  await new StartPermit(join(memory.path, 'not', 'made yet')).requireShortLived();
  // A file system of the kernel that is neither.
  await expect(new StartPermit('/sys').requireShortLived()).rejects.toMatchObject({
    code: 'HOLD_UNSUPPORTED',
    message: expect.stringContaining('/sys is on a disk') as unknown,
  });
});
