import { lstat, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';
import { fileIdentity, isBelow, listFilesBelow, realPathOf, type FilesBelow } from './files-below.ts';

/** A process that has a file open. */
export interface FileUser {
  readonly pid: number;
  /** Its command line. */
  readonly command: string;
  readonly path: string;
  /** Whether it could change the file; a reader (a backup, a pager) cannot. */
  readonly writing: boolean;
}

/**
 * The processes, other than this one, that have a file at or below the directories open, one entry for each. Files
 * are known by path and by inode, so an etcd in a container that sees them under another path is found too, and so
 * is a second etcd that waits for the lock of the database. /proc/locks would not show that one.
 *
 * A process whose files may not be looked at counts only when it is called `etcd` and its command line names no other
 * data directory: a false alarm there is better than two etcds on one directory. Others are not seen.
 *
 * @param paths - Directories or files; they need not exist.
 */
export async function processesUsing(paths: readonly string[]): Promise<FileUser[]> {
  const wanted = await listFilesBelow(paths);
  const users: FileUser[] = [];
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const user = await unlessGone(() => fileUser(pid, wanted));
    if (user !== undefined) users.push(user);
  }
  return users;
}

/** `1234 (etcd --name m1) has /var/lib/etcd/member/snap/db open`, for messages. */
export function describeUsers(users: readonly FileUser[]): string {
  return users.map(({ pid, command, path }) => `process ${pid} (${command}) has ${path} open`).join('; ');
}

async function fileUser(pid: number, wanted: FilesBelow): Promise<FileUser | undefined> {
  try {
    for (const descriptor of await readdir(`/proc/${pid}/fd`)) {
      const open = await unlessGone(() => openFile(`/proc/${pid}/fd/${descriptor}`, wanted));
      if (open !== undefined) return { pid, command: (await commandLineOf(pid)).join(' '), ...open };
    }
    return undefined;
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(systemCodeOf(error) ?? '')) throw error;
    return await unseenEtcd(pid, wanted);
  }
}

async function openFile(
  link: string,
  wanted: FilesBelow,
): Promise<Pick<FileUser, 'path' | 'writing'> | undefined> {
  const path = await readlink(link);
  if (!path.startsWith('/')) return undefined;
  if (!isBelow(path, wanted.roots)) {
    // Only files of a fitting name are looked at: stat on a dead network file system never returns.
    if (!wanted.names.has(basename(path))) return undefined;
    if (!wanted.identities.has(fileIdentity(await stat(link)))) return undefined;
  }
  const { mode } = await lstat(link);
  return { path, writing: (mode & 0o200) !== 0 };
}

async function unseenEtcd(pid: number, wanted: FilesBelow): Promise<FileUser | undefined> {
  const name = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
  if (name !== 'etcd') return undefined;
  const commandLine = await commandLineOf(pid);
  const dataDir = dataDirIn(commandLine);
  if (dataDir !== undefined && !wanted.roots.includes(await realPathOf(dataDir))) return undefined;
  return { pid, command: commandLine.join(' '), path: 'files that this agent may not see', writing: true };
}

/** The program and arguments of a process. Empty when it is gone. */
export async function commandLineOf(pid: number): Promise<string[]> {
  const text = (await unlessGone(() => readFile(`/proc/${pid}/cmdline`, 'utf8'))) ?? '';
  return text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

function dataDirIn(commandLine: readonly string[]): string | undefined {
  for (const [index, argument] of commandLine.entries()) {
    const match = /^--?data-dir(?:=(.*))?$/s.exec(argument);
    if (match !== null) return match[1] ?? commandLine[index + 1];
  }
  return undefined;
}

/** Processes and descriptors end while they are looked at. */
async function unlessGone<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(systemCodeOf(error) ?? '')) return undefined;
    throw error;
  }
}
