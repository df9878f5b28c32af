import { readdirSync, readlinkSync } from 'node:fs';
import { lstat, readFile, readlink, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';
import { heldLocks } from './file-locks.ts';
import { fileIdentity, isBelow, listFilesBelow, realPathOf, type FilesBelow } from './files-below.ts';
import { identifyProcess } from './process-identity.ts';
import { processIds } from './process-ids.ts';
import { requireVisibleProcesses } from './require-visible-processes.ts';

/** A process that has a file open. */
export interface FileUser {
  /** 0 for one that only its lock betrays. */
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
 * A process of another user, whose files may not be looked at, counts when it holds a lock on one of them, when its
 * command line names the data directory, or when it is called `etcd` and names no other: a false alarm there is better
 * than two etcds on one directory.
 *
 * @param paths - Directories or files; they need not exist.
 * @throws {AgentError} `PROCESSES_HIDDEN` when /proc does not show all processes.
 */
export async function processesUsing(paths: readonly string[]): Promise<FileUser[]> {
  await requireVisibleProcesses();
  const wanted = await listFilesBelow(paths);
  const users: FileUser[] = [];
  for (const pid of await processIds()) {
    if (pid === process.pid) continue;
    const user = await unlessGone(() => fileUser(pid, wanted));
    if (user !== undefined) users.push(user);
  }
  return [...users, ...(await unseenLockHolders(wanted, users))];
}

/** `1234 (etcd --name m1) has /var/lib/etcd/member/snap/db open`, for messages. */
export function describeUsers(users: readonly FileUser[]): string {
  return users.map(({ pid, command, path }) => `process ${pid} (${command}) has ${path} open`).join('; ');
}

async function fileUser(pid: number, wanted: FilesBelow): Promise<FileUser | undefined> {
  try {
    for (const link of linksToCandidates(pid, wanted)) {
      const open = await unlessGone(() => openFile(link, wanted));
      if (open !== undefined) return { pid, command: (await commandLineOf(pid)).join(' '), ...open };
    }
    return undefined;
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(systemCodeOf(error) ?? '')) throw error;
    return await unseenEtcd(pid, wanted);
  }
}

/**
 * The descriptors whose path is below the directories, or whose name is that of a file there. Without promises: the kernel
 * answers from memory, and there are thousands of links on a host, of which hardly one is looked at again.
 */
function linksToCandidates(pid: number, wanted: FilesBelow): string[] {
  return readdirSync(`/proc/${pid}/fd`)
    .map((descriptor) => `/proc/${pid}/fd/${descriptor}`)
    .filter((link) => {
      const path = targetOf(link);
      return path !== undefined && (isBelow(path, wanted.roots) || wanted.names.has(basename(path)));
    });
}

/** `undefined` for a descriptor that was closed meanwhile, and for what is no file (`socket:[1234]`). */
function targetOf(link: string): string | undefined {
  try {
    const path = readlinkSync(link);
    return path.startsWith('/') ? path : undefined;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(systemCodeOf(error) ?? '')) return undefined;
    throw error;
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
  // What ended and was not waited for (`etcd --version`, say) keeps its name, closes itself to others, and has no file open.
  if ((await identifyProcess(pid)) === undefined) return undefined;
  const commandLine = await commandLineOf(pid);
  const dataDir = dataDirIn(commandLine);
  const name = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
  const counts = dataDir === undefined ? name === 'etcd' : wanted.roots.includes(await realPathOf(dataDir));
  return counts ? unseen(pid, commandLine) : undefined;
}

/** An etcd under any name and of any user locks its database and its WAL. */
async function unseenLockHolders(wanted: FilesBelow, seen: readonly FileUser[]): Promise<FileUser[]> {
  const locks = (await heldLocks()).filter(({ identity }) => wanted.identities.has(identity));
  const pids = new Set(locks.flatMap(({ pid }) => pid ?? []));
  for (const { pid } of seen) pids.delete(pid);
  if (locks.length > 0 && pids.size === 0 && seen.length === 0) pids.add(0);
  return await Promise.all([...pids].map(async (pid) => unseen(pid, await commandLineOf(pid))));
}

function unseen(pid: number, commandLine: readonly string[]): FileUser {
  const command = commandLine.join(' ') || 'unknown';
  return { pid, command, path: 'files that this agent may not see', writing: true };
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
