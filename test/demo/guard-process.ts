import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, launchersOf } from './launchers.ts';
import { killMarked } from './marked-processes.ts';

// Outlives the demo by design, in a session of its own, and ends what it started: agents and etcds are made to
// outlive whoever starts them. Told `let-go`, `end` or `remove` on stdin; when stdin ends without a word, the demo
// was killed, and everything goes.

const [directory = '', ownsDirectory, demoPid] = process.argv.slice(2);
const LOOK_EVERY_MS = 300;

// The demo may be gone by the time it is told something.
process.stdout.on('error', () => undefined);
process.stdout.write('ready\n');
const word = await Promise.race([wordFromDemo(), launcherGone()]);
if (word !== 'let-go') await killMarked(directory);
if (word === 'remove') await removeDirectory();
process.stdout.write('done\n', () => process.exit());

async function wordFromDemo(): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line;
  return 'remove';
}

async function launcherGone(): Promise<string> {
  const launchers = launchersOf(Number(demoPid));
  while (launchers.every(isRunning)) await sleep(LOOK_EVERY_MS);
  try {
    process.kill(Number(demoPid), 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
  return 'remove';
}

async function removeDirectory(): Promise<void> {
  for (const name of await readdir(directory))
    await rm(join(directory, name), { recursive: true, force: true });
  if (ownsDirectory === 'yes') await rmdir(directory);
}
