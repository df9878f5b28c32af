#!/usr/bin/env node
import { hostname, userInfo } from 'node:os';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { systemCodeOf } from './base/agent-error.ts';
import { systemClock } from './base/clock.ts';
import { readRelease } from './base/release.ts';
import { threadProgram } from './base/thread-program.ts';
import { runCommandLine } from './cli/command-line.ts';

process.exitCode = await runCommandLine(process.argv.slice(2), {
  terminal: process,
  clock: systemClock,
  release: readRelease(),
  workingDirectory: process.cwd(),
  programFile: fileURLToPath(import.meta.url),
  threadProgram: threadProgram(import.meta.url),
  userId: process.getuid?.() ?? -1,
  requestedBy: `${userName()}@${hostname()}`,
  ...fromEnvironment(),
  signals: process,
  stdoutGone: readerGone(process.stdout),
  endNow: (exitStatus) => process.exit(exitStatus),
});
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
// A command is over when its work is; a socket or timer that some library keeps would only hold it up.
process.exit();

function fromEnvironment(): { controlSocket?: string; configFile?: string } {
  const { LIFEBOAT_SOCKET: controlSocket, LIFEBOAT_CONFIG: configFile } = process.env;
  return { ...(controlSocket ? { controlSocket } : {}), ...(configFile ? { configFile } : {}) };
}

/** Behind sudo the person, not root. A process may run under a number that no user has. */
function userName(): string {
  const behindSudo = process.env['SUDO_USER'];
  if (behindSudo !== undefined && behindSudo !== '') return behindSudo;
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** `lifeboat … | head` ends in EPIPE: no failure, and nothing to say about it. */
function readerGone(stream: Writable): AbortSignal {
  const gone = new AbortController();
  stream.on('error', (error) => {
    if (systemCodeOf(error) !== 'EPIPE') throw error;
    gone.abort();
  });
  return gone.signal;
}

async function flushed(stream: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}
