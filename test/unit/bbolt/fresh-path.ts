import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** Names a file that is not there yet each time, in a directory that lasts as long as the tests of this file. */
export function freshPaths(): () => string {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let files = 0;
  beforeAll(async () => {
    directory = await temporaryDirectory();
  });
  afterAll(async () => {
    await directory[Symbol.asyncDispose]();
  });
  return () => {
    files += 1;
    return join(directory.path, `${files}.db`);
  };
}
