import { execa } from 'execa';
import { expect, test } from 'vitest';
import { lockDirectory } from '../../src/base/directory-lock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('a directory belongs to one holder at a time, and a closed lock frees it', async () => {
  await using directory = await temporaryDirectory();
  const lock = await lockDirectory(directory.path);

  await expect(lockDirectory(directory.path)).rejects.toMatchObject({
    code: 'AGENT_ALREADY_RUNNING',
    details: { holder: String(process.pid) },
  });
  await lock.close();
  const again = await lockDirectory(directory.path);
  await again.close();
});

test('a killed holder leaves no lock behind', async () => {
  await using directory = await temporaryDirectory();
  const holder = execa('flock', [`${directory.path}/lock`, 'sleep', '60'], { reject: false, detached: true });
  await expect
    .poll(() =>
      lockDirectory(directory.path).then(
        (lock) => lock.close(),
        (error: unknown) => error,
      ),
    )
    .toMatchObject({ code: 'AGENT_ALREADY_RUNNING' });
  process.kill(-(holder.pid ?? 0), 'SIGKILL');
  await holder;

  const lock = await lockDirectory(directory.path);
  await lock.close();
});
