import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { markedProcesses } from '../demo/marked-processes.ts';
import { etcdctl } from '../support/etcd-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

// The demo as a newcomer runs it, and what is left of it when it is ended by force. `prepare.mjs` ran before.

const ROOT = join(import.meta.dirname, '..', '..');
const GONE_WITHIN = { timeout: 20_000, interval: 100 };

interface KeptDemo {
  readonly endpoints: readonly string[];
  readonly hosts: readonly { readonly agentPid: number; readonly etcdPid: number }[];
}

test('the demo loses quorum, restores, verifies, and leaves nothing behind', async () => {
  await using place = await emptyPlace();
  const { exitCode, stdout } = await startDemo(place.directory);

  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
  expect(stdout).toContain('✓ HashKV is');
  expect(stdout).toMatch(/✓ the cluster ID is \w+; it was \w+/);
  expect(stdout).toMatch(/✓ lost: \d+ revisions/);
  expect(await leftOf(place.directory)).toEqual([]);
});

test('a demo that is kept leaves three healthy members, whose agents end them when asked to stop', async () => {
  await using place = await emptyPlace();
  const { exitCode, stdout } = await startDemo(place.directory, '--keep');

  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });

  const { endpoints, hosts } = JSON.parse(
    await readFile(join(place.directory, 'demo.json'), 'utf8'),
  ) as KeptDemo;
  const counts = await Promise.all(endpoints.map((endpoint) => etcdctl(endpoint, ['get', 'restored'])));

  expect(counts).toEqual(['restored\nyes', 'restored\nyes', 'restored\nyes']);
  expect((await markedProcesses(place.directory)).sort()).toEqual(
    hosts.flatMap(({ agentPid, etcdPid }) => [agentPid, etcdPid]).sort(),
  );

  for (const { agentPid } of hosts) process.kill(agentPid, 'SIGTERM');
  await expect.poll(() => markedProcesses(place.directory), GONE_WITHIN).toEqual([]);
});

test.each([2, 6])('a demo that is killed in its step %i leaves nothing behind', async (step) => {
  await using place = await emptyPlace();
  const demo = startDemo(place.directory);
  await printed(demo, `\n${step}. `);
  demo.kill('SIGKILL');
  await expect.poll(() => leftOf(place.directory), GONE_WITHIN).toEqual([]);
});

test('an npm that is killed takes the demo with it', async () => {
  await using place = await emptyPlace();
  const npm = execa('npm', ['run', 'demo', '--', '--dir', place.directory], { cwd: ROOT, reject: false });
  await printed(npm, '\n4. ');
  npm.kill('SIGKILL');
  await expect.poll(() => leftOf(place.directory), GONE_WITHIN).toEqual([]);
});

test('Ctrl-C ends the demo as a failure, and leaves nothing behind', async () => {
  await using place = await emptyPlace();
  const npm = execa('npm', ['run', 'demo', '--', '--dir', place.directory], {
    cwd: ROOT,
    reject: false,
    detached: true,
  });
  await printed(npm, 'restore run --confirm');
  // As a terminal does: to everything in the foreground.
  process.kill(-(npm.pid ?? 0), 'SIGINT');
  const { exitCode, stdout } = await npm;

  expect(exitCode).not.toBe(0);
  expect(stdout).toContain('SIGINT: everything is ended and removed');
  expect(await leftOf(place.directory)).toEqual([]);
});

test('a directory that holds something is refused, and nothing in it is touched', async () => {
  const { exitCode, stderr } = await startDemo(join(ROOT, 'docs'));

  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('is not empty') as string,
  });
  expect(existsSync(join(ROOT, 'docs', 'architecture.md'))).toBe(true);
});

type Running = Pick<ReturnType<typeof startDemo>, 'stdout'>;

function startDemo(directory: string, ...options: string[]) {
  const main = join(ROOT, 'test', 'demo', 'main.ts');
  return execa(process.execPath, ['--import', 'tsx', main, '--dir', directory, ...options], {
    cwd: ROOT,
    reject: false,
    stdin: 'ignore',
  });
}

async function printed({ stdout }: Running, words: string): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes(words)) resolve();
    });
    stdout.on('end', () => {
      reject(new Error(`the demo ended without "${words}":\n${text}`));
    });
  });
}

/** Processes that carry the directory's mark or name, and the directory itself. */
async function leftOf(directory: string): Promise<string[]> {
  const marked = await markedProcesses(directory);
  const { stdout: named } = await execa('pgrep', ['-fa', '--', directory], { reject: false });
  return [
    ...marked.map((pid) => `process ${pid}`),
    ...named.split('\n').filter((line) => line !== ''),
    ...(existsSync(directory) ? [directory] : []),
  ];
}

/** A path that does not exist yet; whatever a failed test leaves of it goes with the scope. */
async function emptyPlace(): Promise<{ directory: string } & AsyncDisposable> {
  const scratch = await temporaryDirectory();
  const directory = join(scratch.path, 'demo');
  return {
    directory,
    [Symbol.asyncDispose]: async () => {
      for (const pid of await markedProcesses(directory)) process.kill(pid, 'SIGKILL');
      await scratch[Symbol.asyncDispose]();
    },
  };
}
