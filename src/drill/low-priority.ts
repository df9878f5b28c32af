import { basename } from 'node:path';
import { programsIn } from '../restore-tool/find-tools.ts';

/** Each with its arguments. All of them run the words after them in their own place, so that the process ID stays. */
const LAUNCHERS: Readonly<Record<string, readonly string[]>> = {
  // Where memory runs short, the kernel is to take this one and not the etcd that serves.
  choom: ['-n', '1000', '--'],
  ionice: ['-c', '2', '-n', '7'],
  nice: ['-n', '19'],
};

/**
 * Words before a command line, so that the command yields to the etcd that serves. Nothing of the agent's environment
 * but PATH comes through: an ETCD_… variable would be a flag to etcd. Launchers that this host lacks are left out.
 */
export async function lowPriority(searchPath: string): Promise<string[]> {
  const found = await programsIn(searchPath, Object.keys(LAUNCHERS));
  const words = Object.entries(LAUNCHERS).flatMap(([name, args]) => {
    const path = found.find((program) => basename(program) === name);
    return path === undefined ? [] : [path, ...args];
  });
  // A panic's stack would push its reason out of the last lines of the log.
  return ['/usr/bin/env', '-i', `PATH=${searchPath}`, 'GOTRACEBACK=none', ...words];
}
