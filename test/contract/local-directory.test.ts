import { join } from 'node:path';
import { describe } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openLocalDirectory } from '../../src/storage/local-directory.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { describeStorage } from './storage-contract.ts';

describe('a directory of this host', () => {
  describeStorage(async () => {
    const directory = await temporaryDirectory();
    const storage = await openLocalDirectory(join(directory.path, 'snapshots'), { clock: systemClock });
    return {
      storage,
      [Symbol.asyncDispose]: async () => {
        await storage.close();
        await directory[Symbol.asyncDispose]();
      },
    };
  });
});
