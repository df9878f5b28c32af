import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, messageOf } from './agent-error.ts';

/** A directory that belongs to this process until `close`, or until the process ends in whatever way. */
export interface DirectoryLock {
  close(): Promise<void>;
}

const FLOCK_CONFLICT = 1;

/**
 * Takes the kernel's `flock` on `directory/lock`. The lock belongs to the open file description, so
 * flock(1) can take it on the descriptor it inherits and leave it with us: nothing stale stays
 * behind a crash, and pid reuse cannot confuse it.
 *
 * @param directory - Exists already.
 * @throws {AgentError} `AGENT_ALREADY_RUNNING` with the holder's process id.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = join(directory, 'lock');
  const file = await open(path, 'a+', 0o600);
  try {
    const exitStatus = await flock(file);
    if (exitStatus === FLOCK_CONFLICT) throw await alreadyRunning(file, directory);
    if (exitStatus !== 0) {
      throw new AgentError('COMMAND_FAILED', `flock on ${path} ended with exit status ${String(exitStatus)}`);
    }
    await file.truncate(0);
    await file.appendFile(`${process.pid}\n`);
    return { close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function alreadyRunning(file: FileHandle, directory: string): Promise<AgentError> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(32), position: 0 });
  const holder = buffer.toString('utf8', 0, bytesRead).trim() || 'unknown';
  return new AgentError(
    'AGENT_ALREADY_RUNNING',
    `${directory} is in use by the agent with process id ${holder}`,
    {
      details: { directory, holder },
    },
  );
}

async function flock(file: FileHandle): Promise<unknown> {
  const child = spawn('flock', ['--nonblock', '--exclusive', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file.fd],
    timeout: 10_000,
  });
  try {
    const [exitStatus] = (await once(child, 'exit')) as [unknown];
    return exitStatus;
  } catch (cause) {
    throw new AgentError('COMMAND_NOT_FOUND', `flock could not be run: ${messageOf(cause)}`, { cause });
  }
}
