import { readFile } from 'node:fs/promises';

/** The file system that a path is on. */
export interface Mount {
  /** `ext4`, `xfs`, `nfs4`, … */
  readonly type: string;
  readonly mountPoint: string;
  /** The device, or what the file system calls itself. */
  readonly source: string;
  readonly readOnly: boolean;
}

/** The mount that holds `path`: the longest mount point above it, and of several on one point the last (proc(5), mountinfo). */
export function mountOf(mountInfo: string, path: string): Mount | undefined {
  let found: Mount | undefined;
  for (const line of mountInfo.split('\n')) {
    const mount = parseMount(line);
    if (mount === undefined || !isAbove(mount.mountPoint, path)) continue;
    if (found === undefined || mount.mountPoint.length >= found.mountPoint.length) found = mount;
  }
  return found;
}

/** As this process sees it: a unit with `ProtectSystem=` has mounts of its own. */
export async function readMountOf(path: string): Promise<Mount | undefined> {
  return mountOf(await readFile('/proc/self/mountinfo', 'utf8'), path);
}

function parseMount(line: string): Mount | undefined {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , , mountPoint, options = ''] = before.split(' ');
  const [type, source = '', superOptions = ''] = after.split(' ');
  if (mountPoint === undefined || type === undefined) return undefined;
  const readOnly = [options, superOptions].some((list) => list.split(',').includes('ro'));
  return { type, mountPoint: unescape(mountPoint), source: unescape(source), readOnly };
}

/** Blanks and the like are octal. */
function unescape(word: string): string {
  return word.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

function isAbove(mountPoint: string, path: string): boolean {
  return mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`);
}
