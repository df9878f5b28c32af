import { join } from 'node:path';
import { removeDurably } from '../base/durable-file.ts';
import { namesIn } from '../base/names-in.ts';
import { STAGING_ROOT } from './layout.ts';
import { removeIfEmpty } from './steps/remove-if-empty.ts';

/**
 * Removes the staging directories that no operation of this host needs any more: they can be as large as the
 * database, on the disk that etcd lives on. Set-aside data is not staging and is never touched.
 *
 * @returns What was removed.
 */
export async function sweepStaging(
  directories: readonly string[],
  activeOperation: string | undefined,
): Promise<string[]> {
  const swept: string[] = [];
  for (const root of directories.map((directory) => join(directory, STAGING_ROOT))) {
    for (const name of await namesIn(root)) {
      if (name === activeOperation) continue;
      await removeDurably(join(root, name));
      swept.push(join(root, name));
    }
    await removeIfEmpty(root);
  }
  return swept;
}
