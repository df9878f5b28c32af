import { getPriority } from 'node:os';
import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { AgentError } from '../../../src/base/agent-error.ts';
import { runInThread, type ThreadOptions } from '../../../src/base/run-in-thread.ts';
import { threadFromSource } from '../../support/thread-programs.ts';

const PROGRAM = threadFromSource(new URL('./thread-jobs.ts', import.meta.url));
const NEVER = new AbortController().signal;

async function run(
  job: string,
  params: unknown = {},
  options: Partial<ThreadOptions> = {},
): Promise<unknown> {
  return await runInThread(PROGRAM, { job, params }, { signal: NEVER, ...options });
}

async function threadCount(): Promise<number> {
  return (await readdir('/proc/self/task')).length;
}

test('a job returns what it made of its parameters', async () => {
  expect(await run('double', { number: 21 })).toBe(42);
});

test('how far a job is arrives before its result, and not with every step', async () => {
  const seen: number[] = [];
  await run(
    'count',
    {},
    {
      onBytes: (bytes) => {
        seen.push(bytes);
      },
    },
  );
  expect(seen).toEqual([8, 16, 24, 32, 40, 48, 56, 64].map((mebibytes) => mebibytes << 20));
});

test('a thread gives way to others, and nothing else of the process does', async () => {
  const before = getPriority();
  expect(await run('niceness')).toBe(10);
  expect(getPriority()).toBe(before);
});

test('what a job throws comes back with its code, its details and its cause', async () => {
  const error = (await run('refuse').catch((thrown: unknown) => thrown)) as AgentError;
  expect(error).toMatchObject({
    name: 'AgentError',
    code: 'FILE_UNREADABLE',
    message: 'the disk failed',
    details: { path: '/x', sizeBytes: 5, findings: ['one', 'two'] },
    cause: { message: 'read: i/o error', code: 'EIO' },
  });
  expect(error.hint).not.toBe('');
});

test('an error of the operating system keeps its name', async () => {
  await expect(run('stumble')).rejects.toMatchObject({ code: 'ENOENT', message: 'no such thing' });
});

test('an abort ends a thread that never looks up, and gives its reason', async () => {
  await run('double', { number: 1 });
  const before = await threadCount();
  const abort = new AbortController();
  const reason = new Error('enough');
  const running = run(
    'spin',
    {},
    {
      signal: abort.signal,
      onBytes: () => {
        abort.abort(reason);
      },
    },
  );
  await expect(running).rejects.toBe(reason);
  expect(await threadCount()).toBeLessThanOrEqual(before);
});

test('a job whose signal is aborted already starts no thread', async () => {
  const reason = new Error('too late');
  await expect(run('double', { number: 1 }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test('a job that takes too much memory is ended, and the process lives', async () => {
  await expect(run('hoard')).rejects.toMatchObject({
    code: 'THREAD_DIED',
    message: expect.stringContaining('hoard: ') as string,
    cause: { code: 'ERR_WORKER_OUT_OF_MEMORY' },
  });
});

test('a thread that leaves without an answer is an error', async () => {
  await expect(run('leave')).rejects.toMatchObject({
    code: 'THREAD_DIED',
    message: 'leave ended without an answer, with status 7',
  });
});

test('a job that the program does not know is an error', async () => {
  await expect(run('fly')).rejects.toThrow('no job fly');
});
