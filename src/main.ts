#!/usr/bin/env node
import { hostname, userInfo } from 'node:os';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { systemClock } from './base/clock.ts';
import { readRelease } from './base/release.ts';
import { threadProgram } from './base/thread-program.ts';
import { runCommandLine } from './cli/command-line.ts';
import { exitStatusOfError } from './cli/exit-status.ts';
import { watchOutput } from './cli/lost-output.ts';
import { errorText } from './cli/session.ts';

const output = watchOutput(process.stdout);
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
  stdoutGone: output.gone,
  endNow: (exitStatus) => process.exit(exitStatus),
});
await flushed(process.stdout);
if (output.failure !== undefined) {
  process.stderr.write(`${errorText(output.failure).join('\n')}\n`);
  process.exitCode = exitStatusOfError(output.failure.code);
}
await flushed(process.stderr);
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

async function flushed(stream: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}
