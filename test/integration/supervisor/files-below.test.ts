import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listFilesBelow } from '../../../src/supervisor/files-below.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NOBODY = 65_534;

/** As another user, for as long as `look` takes. */
async function asNobody<T>(look: () => Promise<T>): Promise<T> {
  process.seteuid?.(NOBODY);
  try {
    return await look();
  } finally {
    process.seteuid?.(0);
  }
}

test.skipIf(process.getuid?.() !== 0)(
  "a file system's own lost+found is passed over by an agent that is not root, and a closed data directory is not (only root can close one)",
  async () => {
    await using directory = await temporaryDirectory();
    await chmod(directory.path, 0o755);
    const dataDir = join(directory.path, 'etcd');
    await mkdir(join(dataDir, 'member'), { recursive: true });
    await writeFile(join(dataDir, 'member', 'db'), '');
    for (const path of [dataDir, join(dataDir, 'member')]) await chown(path, NOBODY, NOBODY);
    await mkdir(join(dataDir, 'lost+found'), { mode: 0o700 });

    expect([...(await asNobody(() => listFilesBelow([dataDir]))).names]).toEqual(['db']);

    await chown(dataDir, 0, 0);
    await chmod(dataDir, 0o700);
    await expect(asNobody(() => listFilesBelow([dataDir]))).rejects.toMatchObject({ code: 'EACCES' });
  },
);
