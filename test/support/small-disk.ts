import { execa } from 'execa';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../../src/base/agent-error.ts';

/** A file system of its own at a directory, as large as said, with what was in the directory. Needs root. */
export async function mountSmallDisk(directory: string, sizeMiB: number): Promise<AsyncDisposable> {
  await execa('mv', [directory, `${directory}.was`]);
  await execa('mkdir', ['-m', '700', directory]);
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'lifeboat-small-disk', directory]);
  await execa('cp', ['-a', '--sparse=always', `${directory}.was/.`, directory]);
  await rm(`${directory}.was`, { recursive: true });
  return {
    [Symbol.asyncDispose]: async () => {
      await execa('umount', ['--lazy', directory]);
    },
  };
}

/** Leaves no byte free on the file system of a directory. */
export async function fill(directory: string): Promise<void> {
  const file = await open(fillerOf(directory), 'w');
  try {
    for (const size of [1 << 20, 4096, 1]) await writeWhile(file, Buffer.alloc(size, 'x'));
  } finally {
    await file.close();
  }
}

export async function makeRoom(directory: string): Promise<void> {
  await rm(fillerOf(directory), { force: true });
}

async function writeWhile(file: Awaited<ReturnType<typeof open>>, bytes: Buffer): Promise<void> {
  for (;;) {
    try {
      await file.appendFile(bytes);
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOSPC') throw error;
      return;
    }
  }
}

function fillerOf(directory: string): string {
  return join(directory, 'filler');
}
