import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCodeOf } from '../base/agent-error.ts';
import { realPathOf } from '../supervisor/files-below.ts';
import { nameOfGroup, nameOfUser } from '../discovery/user-names.ts';
import { STAGING_ROOT } from '../restore/layout.ts';
import { readMountOf, type Mount } from './mount-of.ts';

/** What is known of a data or WAL directory. */
export interface DirectoryFacts {
  readonly path: string;
  /** Why it cannot be looked at: `ENOENT`, `EACCES`, … */
  readonly problem?: string;
  readonly mount?: Mount;
  /** `etcd:etcd`, or numbers where they have no name. */
  readonly owner?: string;
  readonly mode?: number;
  /** Set-aside data of earlier restores: names in the directory. */
  readonly setAside: readonly string[];
  /** Set where the directory was tried out. */
  readonly probe?: DirectoryProbe;
}

export interface DirectoryProbe {
  /** Why a directory cannot be made or renamed there. */
  readonly problem?: string;
  /** `member` is on a file system of its own. */
  readonly memberIsMount?: boolean;
  readonly reflink?: 'shared' | 'copied';
}

const PROBE_BYTES = 64 * 1024;

/** Looks at a directory, and tries in it what a restore does: a directory made, renamed, a file cloned. All of it is gone again. */
export async function probeDirectory(
  path: string,
  { kind, tryOut }: { readonly kind: 'data' | 'wal'; readonly tryOut: boolean },
): Promise<DirectoryFacts> {
  const real = await realPathOf(path);
  const mount = await readMountOf(real);
  const common = { path, ...(mount === undefined ? {} : { mount }) };
  try {
    const { uid, gid, mode } = await stat(real);
    const owner = `${(await nameOfUser(uid)) ?? uid}:${(await nameOfGroup(gid)) ?? gid}`;
    const entries = await readdir(real);
    return {
      ...common,
      owner,
      mode: mode & 0o7777,
      setAside: entries.filter((name) => /^(member|wal)\.(before|restored)-/.test(name)),
      ...(tryOut ? { probe: await probeIn(real, kind) } : {}),
    };
  } catch (error) {
    return { ...common, problem: systemCodeOf(error) ?? messageOf(error), setAside: [] };
  }
}

async function probeIn(directory: string, kind: 'data' | 'wal'): Promise<DirectoryProbe> {
  const member = kind === 'data' ? await deviceOf(join(directory, 'member')) : undefined;
  const memberIsMount = member !== undefined && member !== (await deviceOf(directory));
  const root = join(directory, STAGING_ROOT);
  const staged = join(root, `doctor-${process.pid}`);
  // A name that an agent sweeps when it starts, should this process die here.
  const renamed = join(root, `doctor-${process.pid}.renamed`);
  try {
    await mkdir(staged, { recursive: true, mode: 0o700 });
    const reflink = await tryReflink(staged);
    await rename(staged, renamed);
    return { memberIsMount, reflink };
  } catch (error) {
    return { memberIsMount, problem: messageOf(error) };
  } finally {
    for (const path of [staged, renamed]) await rm(path, { recursive: true, force: true });
    await rmdir(root).catch((error: unknown) => {
      // Absent, or in use by a restore.
      if (!['ENOENT', 'ENOTEMPTY', 'EACCES', 'EROFS'].includes(systemCodeOf(error) ?? '')) throw error;
    });
  }
}

/** FICLONE, as the copies of the database use it. */
async function tryReflink(directory: string): Promise<'shared' | 'copied'> {
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  await writeFile(from, Buffer.alloc(PROBE_BYTES, 1));
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return 'shared';
  } catch (error) {
    if (systemCodeOf(error) === 'ENOSPC') throw error;
    return 'copied';
  }
}

async function deviceOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).dev;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
