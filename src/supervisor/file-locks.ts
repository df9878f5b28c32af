import { readFile } from 'node:fs/promises';

/** A lock that some process holds on a file. */
export interface FileLock {
  /** Missing for an open-file-description lock (etcd's on its WAL), which the kernel ascribes to nobody. */
  readonly pid?: number;
  /** As `fileIdentity` says it. */
  readonly identity: string;
}

/** All locks that are held on this host, of whatever user. What waits for a lock is not among them. */
export async function heldLocks(): Promise<FileLock[]> {
  return parseLocks(await readFile('/proc/locks', 'utf8'));
}

/** Reads /proc/locks: `2: FLOCK ADVISORY WRITE 835 fe:00:717 0 EOF` (proc(5)). */
export function parseLocks(text: string): FileLock[] {
  const locks: FileLock[] = [];
  for (const line of text.split('\n')) {
    const match = /^\d+: [A-Z]+ +[A-Z]+ +[A-Z]+ +(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line);
    if (match === null) continue;
    const [, pid = '', major = '', minor = '', inode = ''] = match;
    locks.push({
      ...(Number(pid) > 0 ? { pid: Number(pid) } : {}),
      identity: `${deviceNumber(parseInt(major, 16), parseInt(minor, 16))}:${inode}`,
    });
  }
  return locks;
}

/** As stat(2) has it: makedev(3) of the C library. */
function deviceNumber(major: number, minor: number): number {
  return (major & 0xfff) * 2 ** 8 + (minor & 0xff) + Math.floor(minor / 2 ** 8) * 2 ** 20;
}
