import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { openCatalog, type Catalog } from '../../src/snapshot/catalog.ts';
import { openLocalDirectory } from '../../src/storage/local-directory.ts';
import { testProver } from './thread-programs.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** An empty catalog of `host-a` with scratch space beside it, both gone with the scope. */
export async function openTestCatalog(): Promise<{ catalog: Catalog; scratch: string } & AsyncDisposable> {
  const directory = await temporaryDirectory();
  const storage = await openLocalDirectory(join(directory.path, 'snapshots'), { clock: systemClock });
  const settings = { agent: 'host-a', clock: systemClock, prover: testProver };
  return {
    catalog: openCatalog(storage, settings),
    scratch: directory.path,
    [Symbol.asyncDispose]: async () => {
      await storage.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}
