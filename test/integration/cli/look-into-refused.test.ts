import { appendFile, chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { typed } from '../../support/command-line.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { putInTransactions } from '../../support/put-many.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('what is no file is refused before it is opened', async () => {
  await using directory = await temporaryDirectory();
  const pipe = join(directory.path, 'pipe');
  await execa('mkfifo', [pipe]);
  const refusal = async (path: string): Promise<unknown> =>
    JSON.parse((await typed(['snapshot', 'keys', path, '-o', 'json'])).stdout);

  expect(await refusal(pipe)).toMatchObject({ error: { code: 'FILE_UNREADABLE' } });
  expect(await refusal(`${directory.path}/`)).toMatchObject({ error: { code: 'FILE_UNREADABLE' } });
  expect(await refusal('/nonexistent/a.db')).toMatchObject({ error: { code: 'FILE_UNREADABLE' } });
  await writeFile(join(directory.path, 'text'), 'hello');
  expect(await refusal(join(directory.path, 'text'))).toMatchObject({
    error: { code: 'SNAPSHOT_NOT_A_DATABASE' },
  });
});

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)('another user is told who may read it (needs root to become one)', async () => {
  await using directory = await temporaryDirectory();
  await chmod(directory.path, 0o755);
  const closed = join(directory.path, 'closed');
  await mkdir(closed, { mode: 0o700 });
  await writeFile(join(closed, 'a.db'), '');
  await writeFile(join(directory.path, 'b.db'), '', { mode: 0o600 });
  const node = ['--reuid=nobody', '--regid=nogroup', '--clear-groups', process.execPath, '--import', 'tsx'];
  for (const path of [join(closed, 'a.db'), join(directory.path, 'b.db')]) {
    const main = ['src/main.ts', 'snapshot', 'keys', path];
    const env = { HOME: '/tmp', TMPDIR: '/tmp' };
    const { stderr, exitCode } = await execa('setpriv', [...node, ...main], { reject: false, env });
    expect({ stderr, exitCode }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^error FILE_FORBIDDEN: .*\nhint: .*as root, or as the agent's user/s,
      ) as string,
    });
  }
});

test('a file that is written to while it is read is refused at the end', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  await putInTransactions(etcd, 2000, 10);
  const path = join(directory.path, 'living.db');
  await etcd.ctl('snapshot', 'save', path);
  const stdout = new PassThrough({ highWaterMark: 1 });
  const reading = (async () => {
    let text = '';
    for await (const chunk of stdout) {
      if (text === '') await appendFile(path, 'x');
      text += String(chunk);
    }
    return text;
  })();
  const terminal = { stdin: new PassThrough(), stdout, stderr: new PassThrough() };
  const { exitCode } = await typed(['snapshot', 'keys', path, '-o', 'json'], { terminal });
  stdout.end();

  expect(exitCode).toBe(1);
  expect(await reading).toMatch(/"key-001999".*\n\{"error":\{"code":"COPY_TORN".*\}\n$/);
});

test('a reader that leaves ends the listing without a word', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  await putInTransactions(etcd, 5000, 10);
  const path = join(directory.path, 'long.db');
  await etcd.ctl('snapshot', 'save', path);
  const gone = new AbortController();
  const stdout = new PassThrough({ highWaterMark: 1 });
  stdout.once('data', () => {
    stdout.pause();
    gone.abort();
  });
  const stderr = new PassThrough();
  const terminal = { stdin: new PassThrough(), stdout, stderr };
  const { exitCode } = await typed(['snapshot', 'keys', path, '-o', 'json'], {
    terminal,
    stdoutGone: gone.signal,
  });

  expect(exitCode).toBe(141);
  expect(stderr.read()).toBeNull();
  expect(await readdir(directory.path)).toEqual(['long.db']);
});
