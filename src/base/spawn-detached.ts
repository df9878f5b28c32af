import { execa, type Options } from 'execa';
import { open } from 'node:fs/promises';
import { AgentError } from './agent-error.ts';

export interface DetachedOptions {
  /** The program and its arguments; no shell. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** stdout and stderr are appended to it; created with mode 0600. */
  readonly logFile: string;
  /** Added to the agent's own environment. `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface DetachedProcess {
  readonly pid: number;
  /** Resolves when it ends, with words such as `exit status 1` or `signal SIGKILL`. Keeps nothing alive. */
  readonly ended: Promise<string>;
}

/** execa's types name the first few descriptors only; it hands any number to the operating system as it is. */
type FileDescriptor = 3;

/**
 * Starts a program in a session of its own, so that it outlives this process however that ends: it shares no pipe
 * with it and gets no signal meant for its process group. Resolves when the program has begun.
 *
 * @throws {AgentError} `COMMAND_NOT_FOUND`, and the file system's error when the log file cannot be opened.
 */
export async function spawnDetached(options: DetachedOptions): Promise<DetachedProcess> {
  const [file = '', ...args] = options.command;
  const log = await open(options.logFile, 'a', 0o600);
  try {
    const child = execa(file, args, execaOptions(options, log.fd as FileDescriptor));
    if (child.pid === undefined) {
      const { code } = await child;
      throw new AgentError('COMMAND_NOT_FOUND', `${file} could not be run (${code ?? 'unknown reason'})`);
    }
    child.unref();
    const ended = child.then(({ exitCode, signal }) =>
      signal === undefined ? `exit status ${exitCode ?? 'unknown'}` : `signal ${signal}`,
    );
    return { pid: child.pid, ended };
  } finally {
    await log.close();
  }
}

function execaOptions(options: DetachedOptions, log: FileDescriptor): Options & { reject: false } {
  return {
    cwd: options.cwd,
    detached: true,
    cleanup: false,
    reject: false,
    buffer: false,
    stdin: 'ignore',
    stdout: log,
    stderr: log,
    ...(options.env === undefined ? {} : { env: options.env }),
  };
}
