import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { ControlParams } from '../../../src/formats/control.ts';
import { moveCoordinator } from '../../../src/restore/coordinator.ts';
import { openTakeover, type CoordinatorEvent } from '../../../src/restore/coordinator-state.ts';
import { nextCommands } from '../../../src/restore/next-commands.ts';
import { typed } from '../../support/command-line.ts';
import { startControlAgent } from '../../support/control-agent.ts';
import { finishedView, OPERATION, samplePlan, sampleView } from '../../support/control-samples.ts';

/** What the status of h3 offers, which took over and is the only one that is left. */
function offeredToTheLast(): string[] {
  const plan = samplePlan();
  const { hosts } = plan.decided;
  const epoch = { counter: 2, agent: 'h3' };
  const journalId = hosts.find(({ agent }) => agent === 'h3')?.journalId ?? '';
  const own = { operation: OPERATION, agent: 'h3', journalId, version: 1, epoch };
  const events: CoordinatorEvent[] = [
    { type: 'report', report: { ...own, phase: 'stopped', votes: {}, decided: {} } },
    ...['h1', 'h2'].map((agent) => ({ type: 'silent', agent, atMs: 0 }) as const),
  ];
  const alone = events.reduce(
    (state, event) => moveCoordinator(state, event).state,
    openTakeover({ hosts }, epoch, 1000),
  );
  return nextCommands({ phase: alone.phase, plan, coordinator: alone });
}

/** The words that a shell makes of it. */
async function wordsOf(line: string): Promise<string[]> {
  const { stdout } = await execa('sh', ['-c', `set -- ${line}\nprintf '%s\\n' "$@"`]);
  return stdout.split('\n');
}

test('a forced outcome can be typed as the status prints it; its reason goes to the agent, and is shown', async () => {
  const next = offeredToTheLast();
  const asked: ControlParams<'restore.takeover'>[] = [];
  await using agent = await startControlAgent({
    'restore.status': () => Promise.resolve({ operations: [sampleView({ next })] }),
    'restore.takeover': (params) => {
      asked.push(params);
      return Promise.resolve(finishedView(params.order === undefined ? {} : { forced: params.order }));
    },
  });
  const [, ...args] = await wordsOf(next.find((command) => command.includes('--force-outcome')) ?? '');

  const { exitCode, stdout, stderr } = await typed([...args, '--yes', '--socket', agent.socketPath]);
  expect(exitCode).toBe(0);
  const order = { outcome: 'abort', without: ['h1', 'h2'], reason: 'h1 and h2 dead for good' };
  expect(asked).toEqual([{ operation: OPERATION, order, requestedBy: 'operator@h1' }]);
  expect(stderr).toContain('You answer for it that h1 and h2 are dead (h1 and h2 dead for good): ');
  expect(stdout).toMatch(/forced +abort, without h1, h2: h1 and h2 dead for good\n/);
});

const TOGETHER = '--force-outcome, --without and --reason go together';

test.each([
  [['--force-outcome', 'abort', '--without', 'h1'], TOGETHER],
  [['--force-outcome', 'abort', '--reason', 'the rack burnt'], TOGETHER],
  [['--reason', 'the rack burnt'], TOGETHER],
  [
    ['--force-outcome', 'abort', '--without', 'h1', '--reason', ' '],
    '--reason: say how you know that these hosts are',
  ],
])('a takeover with %o is wrong usage', async (args, message) => {
  const { exitCode, stderr } = await typed(['restore', 'takeover', ...args, '--socket', '/nonexistent']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`error USAGE: ${message}`);
});
