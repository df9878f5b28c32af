import { execa } from 'execa';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { keepWalLink } from '../../../src/membership/wal-link.ts';
import { openSupervisor } from '../../../src/supervisor/open-supervisor.ts';
import { StartPermit } from '../../../src/supervisor/start-permit.ts';
import type { Supervisor } from '../../../src/supervisor/supervisor.ts';
import { silentLog } from '../../support/silent-log.ts';
import {
  etcdCommand,
  installEtcd,
  installHold,
  NEVER,
  systemdOptions,
} from '../../support/supervisor-fixtures.ts';
import { startSystemdUser, whyNoSystemdUser, type SystemdUser } from '../../support/systemd-user.ts';

const WHY_NOT = whyNoSystemdUser();
const PATIENT = { timeout: 20_000, interval: 50 };

async function openOn(manager: SystemdUser): Promise<Supervisor> {
  return await openSupervisor(systemdOptions(manager), { clock: systemClock, log: silentLog }, NEVER);
}

async function installRealEtcd(manager: SystemdUser): Promise<void> {
  await installEtcd(manager, await etcdCommand(join(manager.directory, 'etcd')));
}

/** What an administrator does; whether etcd runs then. */
async function startedByHand(manager: SystemdUser): Promise<boolean> {
  await execa(manager.systemctl, ['start', 'etcd.service'], { reject: false });
  const state = await execa(manager.systemctl, ['is-active', 'etcd.service'], { reject: false });
  return state.stdout === 'active';
}

/** By the agent and by hand, and who does it by hand is told. */
async function expectRefused(manager: SystemdUser, supervisor: Supervisor): Promise<void> {
  await expect(supervisor.start(NEVER)).rejects.toMatchObject({
    code: 'ETCD_START_FAILED',
    message: expect.stringContaining('assertion') as unknown,
  });
  const byHand = await execa(manager.systemctl, ['start', 'etcd.service'], { reject: false });
  expect(byHand.exitCode).not.toBe(0);
  expect(byHand.stderr).toContain('Assertion failed on job for etcd.service');
}

describe.skipIf(WHY_NOT !== undefined)(
  `etcd as a unit of systemd${WHY_NOT === undefined ? '' : `: ${WHY_NOT}`}`,
  () => {
    test('without the drop-in in force a hold is refused, and nothing is written', async () => {
      await using manager = await startSystemdUser();
      const supervisor = await openOn(manager);
      await expect(supervisor.check(NEVER)).rejects.toMatchObject({
        code: 'SUPERVISOR_FAILED',
        message: expect.stringContaining('not-found') as unknown,
      });

      await installRealEtcd(manager);
      await expect(supervisor.check(NEVER)).rejects.toMatchObject({ code: 'HOLD_UNSUPPORTED' });
      await expect(supervisor.hold('op-1', NEVER)).rejects.toMatchObject({ code: 'HOLD_UNSUPPORTED' });
      expect(await supervisor.heldBy()).toBeUndefined();

      await installHold(manager);
      await supervisor.check(NEVER);
      await manager.install('etcd.service.d/later.conf', '[Unit]\nConditionPathExists=\n');
      await expect(supervisor.check(NEVER)).rejects.toMatchObject({ code: 'HOLD_UNSUPPORTED' });
      const never = `ConditionPathExists=!${join(manager.directory, 'hold')}`;
      await manager.install('etcd.service.d/later.conf', `[Unit]\n${never}\n`);
      await expect(supervisor.check(NEVER)).rejects.toMatchObject({
        code: 'HOLD_UNSUPPORTED',
        message: expect.stringContaining(`${never} keeps the agent's own start back`) as unknown,
      });
    });

    test('a drop-in that systemd has not read yet does not count', async () => {
      await using manager = await startSystemdUser();
      await installRealEtcd(manager);
      await manager.install('etcd.service.d/other.conf', '[Unit]\nDescription=etcd\n');
      const supervisor = await openOn(manager);
      await supervisor.start(NEVER);
      await writeFile(join(manager.directory, 'units/systemd/user/etcd.service.d/hold.conf'), '[Unit]\n');
      await expect(supervisor.check(NEVER)).rejects.toMatchObject({
        code: 'HOLD_UNSUPPORTED',
        message: expect.stringContaining('changed since') as unknown,
      });
    });

    test('a start that another condition prevents is no start, though systemctl exits with 0', async () => {
      await using manager = await startSystemdUser();
      await installRealEtcd(manager);
      await manager.install('etcd.service.d/other.conf', '[Unit]\nConditionPathExists=/no/such/file\n');
      const supervisor = await openOn(manager);
      await expect(supervisor.start(NEVER)).rejects.toMatchObject({
        code: 'ETCD_START_FAILED',
        message: expect.stringContaining('condition') as unknown,
      });
    });

    test('under a hold the unit starts with a permit only, and other conditions of it still count', async () => {
      await using manager = await startSystemdUser();
      await installRealEtcd(manager);
      await installHold(manager);
      const supervisor = await openOn(manager);
      await supervisor.hold('op-1', NEVER);
      const permit = new StartPermit(manager.runtimeDir);
      expect(await startedByHand(manager)).toBe(false);
      expect(await permit.during(() => startedByHand(manager))).toBe(true);
      await supervisor.stop(NEVER);
      expect(await startedByHand(manager)).toBe(false);

      await manager.install('etcd.service.d/other.conf', '[Unit]\nConditionPathExists=/no/such/file\n');
      expect(await permit.during(() => startedByHand(manager))).toBe(false);
    });

    test.each([
      ['a log inside the member directory', undefined],
      ['a WAL directory of its own', 'fast/wal'],
    ])('from the first restore on, the unit starts etcd on whole data only: %s', async (_, walName) => {
      await using manager = await startSystemdUser();
      const dataDir = join(manager.directory, 'etcd');
      const walDir = walName === undefined ? undefined : join(manager.directory, walName);
      const flags = walDir === undefined ? [] : ['--wal-dir', walDir];
      await installEtcd(manager, [...(await etcdCommand(dataDir)), ...flags]);
      await installHold(manager);
      const supervisor = await openOn(manager);
      await supervisor.check(NEVER);
      await supervisor.start(NEVER);
      await supervisor.stop(NEVER);

      await keepWalLink(manager.directory, walDir === undefined ? { dataDir } : { dataDir, walDir });
      await supervisor.start(NEVER);
      await supervisor.stop(NEVER);
      const wal = walDir ?? join(dataDir, 'member', 'wal');
      for (const lost of [join(dataDir, 'member'), wal]) {
        await rename(lost, `${lost}.away`);
        await expectRefused(manager, supervisor);
        // As a mount leaves its place behind.
        await mkdir(lost);
        await expectRefused(manager, supervisor);
        expect(await readdir(lost)).toEqual([]);
        await rm(lost, { recursive: true });
        await rename(`${lost}.away`, lost);
      }

      await supervisor.fence({ by: 'op', since: '2026-11-24T00:00:00.000Z' }, NEVER);
      expect(await startedByHand(manager)).toBe(false);
      await supervisor.liftFence(NEVER);
      await supervisor.start(NEVER);
    });

    test('an etcd that dies is not started again on data that is gone, and systemd gives up at once', async () => {
      await using manager = await startSystemdUser();
      await installRealEtcd(manager);
      await installHold(manager);
      await manager.install('etcd.service.d/restart.conf', '[Service]\nRestart=always\nRestartSec=100ms\n');
      const supervisor = await openOn(manager);
      const dataDir = join(manager.directory, 'etcd');
      await supervisor.start(NEVER);
      await expect.poll(async () => (await supervisor.state(NEVER)).state, PATIENT).toBe('running');
      await keepWalLink(manager.directory, { dataDir });
      await rename(join(dataDir, 'member'), join(dataDir, 'member.away'));
      await execa(manager.systemctl, ['kill', '--signal=KILL', 'etcd.service']);
      await expect
        .poll(async () => (await supervisor.state(NEVER)).state, PATIENT)
        .toMatch(/^(stopped|failed)$/);
      const { stdout } = await execa(manager.journalctl, [
        '--unit=etcd.service',
        '--output=cat',
        '--no-pager',
      ]);
      expect(stdout.match(/asserts failed/g)).toHaveLength(1);
      expect(await readdir(dataDir)).toEqual(['member.away']);
    });

    test('many starts in a short time do not exhaust the start limit', async () => {
      await using manager = await startSystemdUser();
      await installRealEtcd(manager);
      await manager.install(
        'etcd.service.d/limit.conf',
        '[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=1h\n',
      );
      const supervisor = await openOn(manager);
      for (let round = 0; round < 4; round += 1) {
        await supervisor.start(NEVER);
        await supervisor.stop(NEVER);
      }
      expect(await supervisor.state(NEVER)).toMatchObject({ state: 'stopped' });
    });
  },
);
