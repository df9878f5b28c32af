import { execa } from 'execa';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { keepMemberLink } from '../../../src/membership/member-link.ts';
import { openSupervisor } from '../../../src/supervisor/open-supervisor.ts';
import type { Supervisor } from '../../../src/supervisor/supervisor.ts';
import { silentLog } from '../../support/silent-log.ts';
import { etcdCommand, installEtcd, NEVER, systemdOptions } from '../../support/supervisor-fixtures.ts';
import { startSystemdUser, whyNoSystemdUser, type SystemdUser } from '../../support/systemd-user.ts';

const WHY_NOT = whyNoSystemdUser();

async function openOn(manager: SystemdUser): Promise<Supervisor> {
  return await openSupervisor(systemdOptions(manager), { clock: systemClock, log: silentLog }, NEVER);
}

async function installRealEtcd(manager: SystemdUser): Promise<void> {
  await installEtcd(manager, await etcdCommand(join(manager.directory, 'etcd')));
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

      const dropIn = `[Unit]\nConditionPathExists=!${join(manager.directory, 'hold')}\n`;
      await manager.install('etcd.service.d/hold.conf', dropIn);
      await supervisor.check(NEVER);
      await manager.install('etcd.service.d/later.conf', '[Unit]\nConditionPathExists=\n');
      await expect(supervisor.check(NEVER)).rejects.toMatchObject({ code: 'HOLD_UNSUPPORTED' });
    });

    test('a drop-in that systemd has not read yet does not count', async () => {
      await using manager = await startSystemdUser();
      await installRealEtcd(manager);
      const dropIn = `[Unit]\nConditionPathExists=!${join(manager.directory, 'hold')}\n`;
      await manager.install('etcd.service.d/other.conf', '[Unit]\nDescription=etcd\n');
      const supervisor = await openOn(manager);
      await supervisor.start(NEVER);
      await writeFile(join(manager.directory, 'units/systemd/user/etcd.service.d/hold.conf'), dropIn);
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

    test('from the first restore on, the unit does not start etcd on a data directory that vanished', async () => {
      await using manager = await startSystemdUser();
      await installRealEtcd(manager);
      const dropIn = await readFile(new URL('../../../systemd/etcd-hold.conf', import.meta.url), 'utf8');
      await manager.install(
        'etcd.service.d/hold.conf',
        dropIn.replaceAll('/var/lib/etcd-lifeboat/', `${manager.directory}/`),
      );
      const supervisor = await openOn(manager);
      const dataDir = join(manager.directory, 'etcd');
      await supervisor.check(NEVER);
      await supervisor.start(NEVER);
      await supervisor.stop(NEVER);

      await keepMemberLink(manager.directory, dataDir);
      await supervisor.start(NEVER);
      await supervisor.stop(NEVER);
      await rename(join(dataDir, 'member'), join(dataDir, 'member.away'));
      await expect(supervisor.start(NEVER)).rejects.toMatchObject({
        code: 'ETCD_START_FAILED',
        message: expect.stringContaining('condition') as unknown,
      });
      expect(await readdir(dataDir)).toEqual(['member.away']);

      await rename(join(dataDir, 'member.away'), join(dataDir, 'member'));
      await supervisor.fence({ by: 'op', since: '2026-11-24T00:00:00.000Z' }, NEVER);
      await execa(manager.systemctl, ['start', 'etcd.service']);
      expect(await supervisor.state(NEVER)).toMatchObject({ state: 'stopped' });
      await supervisor.liftFence(NEVER);
      await supervisor.start(NEVER);
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
