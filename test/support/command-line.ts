import { PassThrough } from 'node:stream';
import { EventEmitter } from 'node:events';
import { systemClock } from '../../src/base/clock.ts';
import { runCommandLine } from '../../src/cli/command-line.ts';
import type { Surroundings } from '../../src/cli/session.ts';
import { bundledThread } from './thread-programs.ts';

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, without a terminal, and collects what it prints. */
export async function typed(args: readonly string[], changes: Partial<Surroundings> = {}): Promise<Finished> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const printed = Promise.all([textOf(stdout), textOf(stderr)]);
  const exitCode = await runCommandLine(args, {
    terminal: { stdin: new PassThrough(), stdout, stderr },
    clock: systemClock,
    release: '0.1.0',
    workingDirectory: '/somewhere',
    programFile: '/somewhere/dist/main.js',
    threadProgram: bundledThread,
    userId: 1000,
    requestedBy: 'operator@h1',
    signals: new EventEmitter(),
    stdoutGone: new AbortController().signal,
    endNow: () => undefined,
    ...changes,
  });
  stdout.end();
  stderr.end();
  const [out, err] = await printed;
  return { exitCode, stdout: out, stderr: err };
}

async function textOf(stream: PassThrough): Promise<string> {
  return (await stream.toArray()).join('');
}
