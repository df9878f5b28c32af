import { execa, execaSync } from 'execa';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { snapshotList } from '../../../src/formats/control.ts';
import type { OperationView } from '../../../src/formats/operation-view.ts';
import { startControlAgent } from '../../support/control-agent.ts';
import {
  finishedView,
  OPERATION,
  PLAN_HASH,
  sampleManifest,
  samplePlan,
  sampleUndo,
  sampleView,
} from '../../support/control-samples.ts';
import { LIFEBOAT } from '../../support/lab-cluster.ts';
import { lifeboat } from '../../support/lifeboat-command.ts';

// What only a process of its own can show: exit statuses, signals and pipes. What is said is tested in-process.

test.each<[OperationView['phase'], number]>([
  ['finished', 0],
  ['rolled-back', 4],
  ['stuck', 5],
  ['aborted', 7],
])('a restore that ends %s ends the process with exit status %i', async (phase, exitCode) => {
  await using agent = await startControlAgent({
    'restore.run': () => Promise.resolve(finishedView({ phase })),
  });
  const result = await lifeboat(['restore', 'run', '--confirm', PLAN_HASH, '--socket', agent.socketPath]);

  expect(result).toMatchObject({
    exitCode,
    stdout: expect.stringContaining(`${OPERATION}  ${phase}`) as string,
  });
});

test('failure, wrong usage, refusal and absence have exit statuses 1, 2, 3 and 6', async () => {
  await using agent = await startControlAgent({
    'snapshot.copy': () => Promise.reject(new AgentError('COPY_TORN', 'page 3 moved')),
    'restore.plan': () => Promise.reject(new AgentError('GUARD_SPACE', 'h3 lacks 1.0 GiB')),
  });
  const socket = ['--socket', agent.socketPath];
  const results = await Promise.all([
    lifeboat(['snapshot', 'copy', ...socket]),
    lifeboat(['snapshot', 'copy', '--gently', ...socket]),
    lifeboat(['restore', 'plan', ...socket]),
    lifeboat(['status', '--socket', '/nonexistent/control.sock']),
  ]);

  expect(results.map(({ exitCode }) => exitCode)).toEqual([1, 2, 3, 6]);
});

test('Ctrl-C on a restore only detaches: the work goes on, and the operator is told how to come back', async () => {
  const aborted: unknown[] = [];
  const finish = new AbortController();
  const ended = once(finish.signal, 'abort');
  await using agent = await startControlAgent({
    'restore.run': async (_params, { signal, onProgress }) => {
      signal.addEventListener('abort', () => {
        aborted.push(signal.reason);
      });
      onProgress({ phase: 'preparing', operation: sampleView() });
      await ended;
      return finishedView();
    },
  });
  const command = lifeboat(['restore', 'run', '--confirm', PLAN_HASH, '--socket', agent.socketPath]);
  await once(command.stderr, 'data');
  command.kill('SIGINT');
  const { exitCode, stderr } = await command;

  expect(exitCode).toBe(130);
  expect(stderr).toContain(`The restore ${OPERATION} goes on without this command; it was preparing.`);
  expect(stderr).toContain(`lifeboat --socket ${agent.socketPath} restore watch ${OPERATION}`);
  expect(stderr).toContain(`lifeboat --socket ${agent.socketPath} restore abort ${OPERATION}`);
  await expect.poll(() => aborted).toMatchObject([{ message: 'the client went away' }]);
  finish.abort();
});

const noTerminal = execaSync('script', ['--version'], { reject: false }).failed;

test.skipIf(noTerminal)(
  'at a terminal the plan is shown, and carried out once the beginning of its hash is typed (needs script(1))',
  async () => {
    const confirmed: string[] = [];
    await using agent = await startControlAgent({
      'restore.plan': () => Promise.resolve(samplePlan()),
      'restore.run': ({ planHash }) => {
        confirmed.push(planHash);
        return Promise.resolve(finishedView());
      },
    });
    const words = [process.execPath, LIFEBOAT, 'restore', 'run', '--socket', agent.socketPath];
    const terminal = execa('script', ['-qec', `stty cols 100 rows 50; ${words.join(' ')}`, '/dev/null'], {
      reject: false,
    });
    let screen = '';
    terminal.stdout.on('data', (chunk: Buffer) => {
      screen += chunk.toString();
    });
    await expect.poll(() => screen, { timeout: 30_000 }).toContain('type the first 8 characters');
    terminal.stdin.write('nonsense\r');
    await expect.poll(() => screen, { timeout: 10_000 }).toContain('That is not how the hash above begins');
    expect(confirmed).toEqual([]);
    terminal.stdin.write(`${'\u007F'.repeat(8)}${PLAN_HASH.slice(0, 8)}\r`);
    const { exitCode } = await terminal;

    expect(exitCode).toBe(0);
    expect(confirmed).toEqual([PLAN_HASH]);
    expect(screen).toContain('29 revisions: everything written after revision 1,234');
    expect(screen).toContain('finished');
  },
);

test.skipIf(noTerminal)(
  'an undo is shown and confirmed at a terminal by the beginning of its hash (needs script(1))',
  async () => {
    const asked: unknown[] = [];
    await using agent = await startControlAgent({
      'restore.undo.plan': (wish) => {
        asked.push(wish);
        return Promise.resolve(sampleUndo());
      },
      'restore.run': ({ planHash }) => {
        asked.push(planHash);
        return Promise.resolve(finishedView());
      },
    });
    const words = ['restore', 'undo', OPERATION, '--without', 'h3', '--socket', agent.socketPath];
    const command = [process.execPath, LIFEBOAT, ...words].join(' ');
    const terminal = execa('script', ['-qec', `stty cols 200 rows 60; ${command}`, '/dev/null'], {
      reject: false,
    });
    let screen = '';
    terminal.stdout.on('data', (chunk: Buffer) => {
      screen += chunk.toString();
    });
    await expect.poll(() => screen, { timeout: 30_000 }).toContain('type the first 8 characters');
    terminal.stdin.write(`${PLAN_HASH.slice(0, 8)}\r`);
    const { exitCode } = await terminal;

    expect(exitCode).toBe(0);
    expect(asked).toEqual([{ operation: OPERATION, without: ['h3'] }, PLAN_HASH]);
    expect(screen).toContain(`6 revisions: everything written since ${OPERATION} finished`);
    expect(screen).toContain('it works and has quorum; this undo takes it out of service');
  },
);

test('Ctrl-C on a snapshot cancels it', async () => {
  const aborted = new AbortController();
  await using agent = await startControlAgent({
    'snapshot.save': async (_params, { signal, onProgress }) => {
      onProgress({ phase: 'streaming' });
      await once(signal, 'abort');
      aborted.abort();
      throw signal.reason;
    },
  });
  const command = lifeboat(['snapshot', 'save', '--socket', agent.socketPath]);
  await once(command.stderr, 'data');
  command.kill('SIGINT');
  await command;

  await expect.poll(() => aborted.signal.aborted).toBe(true);
});

test('a long answer into a pipe arrives whole, and a reader that leaves early draws no error', async () => {
  const manifest = { ...sampleManifest(), path: '/x' };
  const list = { directory: '/x', snapshots: Array.from({ length: 3_000 }, () => manifest), damaged: [] };
  await using agent = await startControlAgent({ 'snapshot.list': () => Promise.resolve(list) });
  const args = ['snapshot', 'list', '-o', 'json', '--socket', agent.socketPath];
  const [whole, head] = await Promise.all([
    lifeboat(args),
    execa('bash', ['-c', '"$@" | head -c 9', 'bash', process.execPath, LIFEBOAT, ...args]),
  ]);

  expect(snapshotList.parse(JSON.parse(whole.stdout)).snapshots).toHaveLength(3_000);
  expect(head).toMatchObject({ stdout: '{"directo', stderr: '' });
});

test('output that finds no room is an error with a code, and no stack', async () => {
  const manifest = { ...sampleManifest(), path: '/x' };
  await using agent = await startControlAgent({
    'snapshot.list': () => Promise.resolve({ directory: '/x', snapshots: [manifest], damaged: [] }),
  });
  const words = [process.execPath, LIFEBOAT, 'snapshot', 'list', '--socket', agent.socketPath];
  const { exitCode, stderr } = await execa('bash', ['-c', '"$@" > /dev/full', 'bash', ...words], {
    reject: false,
  });

  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^error OUTPUT_UNWRITABLE: stdout could not be written: ENOSPC.*\nhint: .*$/);
});
