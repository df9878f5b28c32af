import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { copyFileDurably } from '../base/copy-file.ts';
import { requireFreeSpace } from '../base/free-space.ts';
import { chooseRestoreTool } from '../restore-tool/choose-tool.ts';
import { etcdVersion } from '../restore-tool/etcd-version.ts';
import { findRestoreTools } from '../restore-tool/find-tools.ts';
import { runRestore } from '../restore-tool/run-restore.ts';
import type { ProveDatabase } from '../snapshot/prove-database.ts';

interface ProofOptions {
  /** Throw-away data dirs are made here, one for each proof. */
  readonly directory: string;
  readonly toolPath: string | undefined;
  readonly etcdPath: string | undefined;
  readonly searchPath: string;
  readonly stallMs: number;
}

const WAL_BYTES = 160 * 1024 * 1024;
const NOWHERE = 'http://127.0.0.1:1';

/** Proves a database without a hash by letting the restore tool make a throw-away data dir of a copy of it. */
export function proveByRestoreTool(options: ProofOptions): ProveDatabase {
  const { toolPath, etcdPath, searchPath, stallMs } = options;
  return async (path, signal) => {
    const version = await etcdVersion({ etcdPath, searchPath }, signal);
    const tool = chooseRestoreTool(await findRestoreTools({ toolPath, searchPath }, signal), version);
    const directory = join(options.directory, randomUUID());
    await mkdir(directory, { recursive: true, mode: 0o700 });
    try {
      await requireFreeSpace(directory, 2 * (await stat(path)).size + WAL_BYTES);
      const copy = join(directory, 'copy.db');
      await copyFileDurably(path, copy, { signal });
      await runRestore(
        {
          tool,
          snapshotPath: copy,
          name: 'proof',
          initialCluster: [{ name: 'proof', peerUrls: [NOWHERE] }],
          initialClusterToken: 'proof',
          initialAdvertisePeerUrls: [NOWHERE],
          dataDir: join(directory, 'data'),
          skipHashCheck: true,
          stallMs,
        },
        signal,
      );
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
    return { by: `${tool.kind} ${tool.version} made a data dir of a copy` };
  };
}
