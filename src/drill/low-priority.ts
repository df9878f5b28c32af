import { basename } from 'node:path';
import { asAgentError } from '../base/agent-error.ts';
import { runCommand } from '../base/run-command.ts';
import { programsIn } from '../restore-tool/find-tools.ts';

/** Each with its arguments. All of them run the words after them in their own place, so that the process ID stays. */
const LAUNCHERS: Readonly<Record<string, readonly string[]>> = {
  // Where memory runs short, the kernel is to take this one and not the etcd that serves.
  choom: ['-n', '1000', '--'],
  ionice: ['-c', '2', '-n', '7'],
  nice: ['-n', '19'],
};

const ENV = '/usr/bin/env';
const TRIAL_TIMEOUT_MS = 10_000;

/**
 * Words before a command line, so that the command yields to the etcd that serves. Nothing of the agent's environment
 * but PATH comes through: an ETCD_… variable would be a flag to etcd. Launchers that this host lacks, or that may not do
 * their work here, as in some containers, are left out.
 */
export async function lowPriority(searchPath: string, signal: AbortSignal): Promise<string[]> {
  const clean = [ENV, '-i', `PATH=${searchPath}`];
  const found = await programsIn(searchPath, Object.keys(LAUNCHERS));
  const words: string[] = [];
  for (const [name, args] of Object.entries(LAUNCHERS)) {
    const path = found.find((program) => basename(program) === name);
    if (path !== undefined && (await works([...clean, path, ...args, ENV], signal)))
      words.push(path, ...args);
  }
  // A panic's stack would push its reason out of the last lines of the log.
  return [...clean, 'GOTRACEBACK=none', ...words];
}

async function works([program = '', ...args]: readonly string[], signal: AbortSignal): Promise<boolean> {
  try {
    return (await runCommand(program, args, { signal, timeoutMs: TRIAL_TIMEOUT_MS })).exitStatus === 0;
  } catch (error) {
    if (asAgentError(error).code === 'CANCELLED') throw error;
    return false;
  }
}
