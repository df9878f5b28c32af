import { execa, ExecaError, type Options } from 'execa';
import { AgentError } from './agent-error.ts';

export interface CommandOptions {
  readonly signal: AbortSignal;
  /** The command is killed after this time: SIGTERM, 5 s later SIGKILL. */
  readonly timeoutMs: number;
  readonly cwd?: string;
  /** Added to the agent's own environment. `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Called for each line of stdout and stderr as it arrives. */
  readonly onLine?: (line: string) => void;
}

export interface CommandResult {
  readonly exitStatus: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

const MAX_OUTPUT_CHARS = 4 * 1024 * 1024;
const TAIL_LINES = 12;

/**
 * Runs a program to its end, without a shell. Any exit status is a result; see `runCheckedCommand`.
 *
 * @throws {AgentError} `COMMAND_NOT_FOUND`; `TIMED_OUT`; `CANCELLED` when the signal ends it;
 *   `COMMAND_FAILED` when a signal kills it or it prints more than 4 MiB.
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  try {
    const result = await execa(file, args, execaOptions(options));
    return {
      exitStatus: result.exitCode ?? -1,
      stdout: textOf(result.stdout),
      stderr: textOf(result.stderr),
      durationMs: result.durationMs,
    };
  } catch (error) {
    if (error instanceof ExecaError && error.exitCode !== undefined && !error.timedOut && !error.isCanceled) {
      return {
        exitStatus: error.exitCode,
        stdout: textOf(error.stdout),
        stderr: textOf(error.stderr),
        durationMs: error.durationMs,
      };
    }
    throw explain(file, args, options, error);
  }
}

/** `runCommand` for callers to whom anything but exit status 0 is a failure (`COMMAND_FAILED`). */
export async function runCheckedCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const result = await runCommand(file, args, options);
  if (result.exitStatus === 0) return result;
  throw new AgentError(
    'COMMAND_FAILED',
    `${commandLine(file, args)} ended with exit status ${result.exitStatus}: ${lastLines(result)}`,
    { details: { exitStatus: result.exitStatus } },
  );
}

/** The last lines a command printed, in one string, for an error message. */
export function lastLines(result: Pick<CommandResult, 'stdout' | 'stderr'>): string {
  const lines = `${result.stdout}\n${result.stderr}`.split('\n').filter((line) => line.trim() !== '');
  return lines.length === 0 ? '(it printed nothing)' : lines.slice(-TAIL_LINES).join('\n');
}

function execaOptions(options: CommandOptions): Options & { encoding: 'utf8' } {
  const { onLine } = options;
  const output = onLine === undefined ? 'pipe' : linesTo(onLine);
  return {
    encoding: 'utf8',
    cancelSignal: options.signal,
    timeout: options.timeoutMs,
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    maxBuffer: MAX_OUTPUT_CHARS,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  };
}

function linesTo(onLine: (line: string) => void) {
  return function* (line: unknown): Generator {
    onLine(String(line));
    yield line;
  };
}

function explain(file: string, args: readonly string[], options: CommandOptions, error: unknown): AgentError {
  const what = commandLine(file, args);
  if (!(error instanceof ExecaError)) return new AgentError('COMMAND_FAILED', what, { cause: error });
  if (error.code === 'ENOENT' || error.code === 'EACCES') {
    return new AgentError('COMMAND_NOT_FOUND', `${file} could not be run (${error.code})`, { cause: error });
  }
  if (error.timedOut) {
    return new AgentError('TIMED_OUT', `${what} did not end within ${options.timeoutMs} ms`, {
      cause: error,
    });
  }
  if (error.isCanceled) return new AgentError('CANCELLED', `${what} was cancelled`, { cause: error });
  return new AgentError('COMMAND_FAILED', `${what}: ${error.shortMessage}`, { cause: error });
}

function commandLine(file: string, args: readonly string[]): string {
  return [file, ...args].join(' ');
}

function textOf(output: unknown): string {
  return typeof output === 'string' ? output : '';
}
