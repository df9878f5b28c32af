import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { processesUsing } from '../../src/supervisor/open-files.ts';
import type { Supervisor } from '../../src/supervisor/supervisor.ts';
import {
  etcdCommand,
  NEVER,
  type OpenFixture,
  type SupervisorFixture,
} from '../support/supervisor-fixtures.ts';

const PATIENT = { timeout: 20_000, interval: 50 };

interface Platform {
  readonly kind: Supervisor['kind'];
  /** Why its fixture cannot run here. */
  readonly skipped: string | undefined;
  readonly openFixture: OpenFixture;
  /** Whether etcd comes back by itself when it dies. */
  readonly restarts: boolean;
}

/** What every supervisor owes to the rest of the agent, on a real etcd. */
export function describeSupervisor({ kind, skipped, openFixture, restarts }: Platform): void {
  describe.skipIf(skipped !== undefined)(
    `supervisor ${kind}${skipped === undefined ? '' : `: ${skipped}`}`,
    () => {
      test('etcd runs after a start, and nobody uses its data after a stop', async () => {
        await using fixture = await openFixture();
        const supervisor = await fixture.open();
        await supervisor.check(NEVER);
        expect(await supervisor.state(NEVER)).toMatchObject({ state: 'stopped' });

        await supervisor.start(NEVER);
        await supervisor.start(NEVER);
        await expectRunning(supervisor);
        await expect.poll(() => fixture.etcdPids(), PATIENT).toHaveLength(1);

        await supervisor.stop(NEVER);
        expect(await fixture.etcdPids()).toEqual([]);
        expect(await supervisor.state(NEVER)).toMatchObject({ state: 'stopped' });
        await supervisor.stop(NEVER);
      });

      test('a start that nobody else may do works under our own hold, which is there afterwards', async () => {
        await using fixture = await openFixture();
        const supervisor = await fixture.open();
        await supervisor.hold('op-1', NEVER);
        await supervisor.hold('op-1', NEVER);

        await fixture.startByOthers();
        expect(await fixture.etcdPids()).toEqual([]);

        await supervisor.start(NEVER);
        await expectRunning(supervisor);
        expect(existsSync(fixture.holdFile)).toBe(true);
        expect(await supervisor.heldBy()).toBe('op-1');
      });

      test('an etcd that dies under a hold stays down, whoever starts it', async () => {
        await using fixture = await openFixture();
        const supervisor = await fixture.open();
        await supervisor.start(NEVER);
        await supervisor.hold('op-1', NEVER);
        expect(await stateOf(supervisor)).toMatch(/^(running|starting)$/);

        await killEtcd(fixture);
        await expect.poll(() => stateOf(supervisor), PATIENT).toMatch(/^(stopped|failed)$/);
        await fixture.startByOthers();

        expect(await stateOf(supervisor)).toMatch(/^(stopped|failed)$/);
        expect(await fixture.etcdPids()).toEqual([]);
      });

      test('a released hold forbids nothing, and releasing twice is as good as once', async () => {
        await using fixture = await openFixture();
        const supervisor = await fixture.open();
        await supervisor.hold('op-1', NEVER);
        await supervisor.hold('op-2', NEVER);
        expect(await supervisor.heldBy()).toBe('op-2');
        await supervisor.release(NEVER);
        await supervisor.release(NEVER);

        expect(await supervisor.heldBy()).toBeUndefined();
        expect(existsSync(fixture.holdFile)).toBe(false);
        expect(await stateOf(supervisor)).toBe('stopped');
        await supervisor.start(NEVER);
        await expectRunning(supervisor);
      });

      test('a fence keeps etcd down through a hold and its release, and outlives the agent', async () => {
        await using fixture = await openFixture();
        const first = await fixture.open();
        const fence = { by: 'op-0', since: '2026-11-24T00:00:00.000Z' };
        await first.fence(fence, NEVER);
        await first.hold('op-1', NEVER);
        await first.release(NEVER);
        expect(await first.heldBy()).toBeUndefined();
        const supervisor = await fixture.open();
        expect(await supervisor.fencedBy()).toEqual(fence);
        await fixture.startByOthers();
        expect(await fixture.etcdPids()).toEqual([]);

        await supervisor.start(NEVER);
        await expectRunning(supervisor);
        expect(await supervisor.fencedBy()).toEqual(fence);
        await supervisor.hold('op-2', NEVER);
        await supervisor.liftFence(NEVER);
        await supervisor.liftFence(NEVER);
        expect(await supervisor.heldBy()).toBe('op-2');
        await supervisor.release(NEVER);
        expect(existsSync(fixture.holdFile)).toBe(false);
      });

      test('a hold outlives the agent, also one that crashed while it started etcd', async () => {
        await using fixture = await openFixture();
        const first = await fixture.open();
        await first.hold('op-1', NEVER);
        const second = await fixture.open();
        expect(await second.heldBy()).toBe('op-1');

        await fixture.leaveStartHalfDone();
        const third = await fixture.open();
        expect(await third.heldBy()).toBe('op-1');
        await fixture.startByOthers();
        expect(await fixture.etcdPids()).toEqual([]);
      });

      test.skipIf(!restarts)('an etcd that is killed comes back when nothing forbids it', async () => {
        await using fixture = await openFixture();
        const supervisor = await fixture.open();
        await supervisor.start(NEVER);
        const [killed] = await killEtcd(fixture);

        await expect
          .poll(async () => (await fixture.etcdPids()).filter((pid) => pid !== killed), PATIENT)
          .toHaveLength(1);
        await expectRunning(supervisor);
        await supervisor.stop(NEVER);
        expect(await fixture.etcdPids()).toEqual([]);
      });

      test('an etcd that ends at once is reported with its own words, and the hold is back', async () => {
        await using fixture = await openFixture({ flags: ['--no-such-flag'], settleMs: 20_000 });
        const supervisor = await fixture.open();
        await supervisor.hold('op-1', NEVER);

        await expect(supervisor.start(NEVER)).rejects.toMatchObject({
          code: 'ETCD_START_FAILED',
          message: expect.stringContaining('no-such-flag') as unknown,
        });
        expect(await supervisor.heldBy()).toBe('op-1');
        expect(existsSync(fixture.holdFile)).toBe(true);
        await expect.poll(() => stateOf(supervisor), PATIENT).toMatch(/^(stopped|failed)$/);
      });

      test('a second etcd that waits for the database is named, and the stop is not believed', async () => {
        await using fixture = await openFixture();
        const supervisor = await fixture.open();
        await supervisor.start(NEVER);
        await expect.poll(() => fixture.etcdPids(), PATIENT).toHaveLength(1);
        const [file = '', ...args] = await etcdCommand(fixture.dataDir);
        const stray = execa(file, args, { reject: false, stdio: 'ignore' });
        await expect.poll(() => fixture.etcdPids(), PATIENT).toContain(stray.pid);

        await expect(supervisor.stop(NEVER)).rejects.toMatchObject({
          code: 'ETCD_STILL_RUNNING',
          details: { pids: [String(stray.pid)] },
        });

        stray.kill('SIGKILL');
        await stray;
        await supervisor.stop(NEVER);
      });
    },
  );
}

async function stateOf(supervisor: Supervisor): Promise<string> {
  return (await supervisor.state(NEVER)).state;
}

/** Type=notify calls it `starting` until it has a leader. */
async function expectRunning(supervisor: Supervisor): Promise<void> {
  await expect.poll(() => stateOf(supervisor), PATIENT).toBe('running');
}

async function killEtcd(fixture: SupervisorFixture): Promise<number[]> {
  await expect.poll(() => fixture.etcdPids(), PATIENT).toHaveLength(1);
  const users = await processesUsing([fixture.dataDir]);
  for (const { pid } of users) process.kill(pid, 'SIGKILL');
  return users.map(({ pid }) => pid);
}
