import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PATIENT, type Host } from './host.ts';
import {
  expectGoesBack,
  onlyMemberOf,
  openSingleHost,
  planToGoBack,
  restore,
  type Member,
  type SingleHost,
} from './single-host.ts';
import { whyNoHosts } from './why-no-hosts.ts';

const RULES = '/usr/share/polkit-1/rules.d/50-etcd-lifeboat.rules';
const AGENT_DROP_IN = '/run/systemd/system/lifeboat.service.d/test.conf';
const ETCD_DROP_IN = '/run/systemd/system/etcd.service.d/test.conf';
const reason = whyNoHosts();
let single: SingleHost;
let host: Host;
let member: Member;

describe.skipIf(reason !== undefined)(
  `the rights of the agent on a host with systemd${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    beforeAll(async () => {
      single = await openSingleHost();
      host = single.host;
      member = onlyMemberOf(host);
    });
    afterAll(async () => {
      await single[Symbol.asyncDispose]();
    });
    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') process.stderr.write(`${await host.journal()}\n`);
      await host.run('rm', '-f', AGENT_DROP_IN, ETCD_DROP_IN);
      await host.run('systemctl', 'daemon-reload');
      await host.run('systemctl', 'restart', 'etcd', 'lifeboat');
    });

    test("an agent with the rights of etcd's user, and no other, restores its member", async () => {
      const pid = await host.unit('lifeboat', 'MainPID');
      const status = await host.run('cat', `/proc/${pid}/status`);
      const uid = await host.run('id', '-u', 'etcd');
      expect(status).toMatch(new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}\\s+${uid}$`, 'm'));
      for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
        expect(status).toMatch(new RegExp(`^${set}:\\s+0+$`, 'm'));
      }
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      expect(status).toMatch(/^Seccomp:\s+2$/m);
      await expectGoesBack(member);
    });

    test("etcd's user may start, stop and kill the units of etcd, and may do nothing else", async () => {
      const sleeper = '[Service]\nExecStart=/bin/sleep infinity\n';
      for (const unit of ['other.service', 'etcd-other.service', 'etcd@.service']) {
        await host.write(`/run/systemd/system/${unit}`, sleeper);
      }
      await host.run('systemctl', 'daemon-reload');
      await host.run('systemctl', 'start', 'other', 'etcd-other', 'etcd@two');
      const allowed: string[] = [];
      const verbs = [
        'start',
        'reset-failed',
        'kill --signal=CONT',
        'stop',
        'restart',
        'reload',
        'mask',
        'freeze',
      ];
      for (const unit of ['etcd.service', 'etcd@two.service', 'other.service', 'etcd-other.service']) {
        for (const verb of verbs) {
          if (await mayAsEtcd('systemctl', ...verb.split(' '), unit)) allowed.push(`${verb} ${unit}`);
        }
      }
      expect(allowed).toEqual(
        ['etcd.service', 'etcd@two.service'].flatMap((unit) => [
          `start ${unit}`,
          `reset-failed ${unit}`,
          `kill --signal=CONT ${unit}`,
          `stop ${unit}`,
        ]),
      );
      expect(await mayAsEtcd('systemctl', 'daemon-reload')).toBe(false);
      expect(await mayAsEtcd('systemctl', 'reboot')).toBe(false);
      expect(await mayAsEtcd('systemd-run', '--unit=etcd@evil.service', 'true')).toBe(false);
      for (const unit of ['other', 'etcd-other']) expect(await host.unit(unit, 'ActiveState')).toBe('active');
    });

    test('without the rule a plan is refused, and etcd is not touched', async () => {
      const before = await host.unit('etcd', 'MainPID');
      await host.shell(`mv ${RULES} /root/ && systemctl restart polkit`);
      const plan = await host.lifeboat('restore', 'plan', '--discard-current');
      await host.shell(`mv /root/${RULES.split('/').at(-1) ?? ''} ${RULES} && systemctl restart polkit`);
      expect(plan.stderr).toContain('error SUPERVISOR_FORBIDDEN');
      expect(await host.unit('etcd', 'MainPID')).toBe(before);
    });

    test('where /proc hides other processes a plan is refused', async () => {
      await withAgentSetting('ProtectProc=invisible');
      const plan = await host.lifeboat('restore', 'plan', '--discard-current');
      expect(plan.stderr).toContain('error PROCESSES_HIDDEN');
    });

    test("etcd's own last words are in the error when it does not come up", async () => {
      const script = 'ls -d /var/lib/etcd/default/member.before-* && exec etcd --no-such-flag; exec etcd';
      await host.run('sh', '-c', 'rm -rf /var/lib/etcd/default/member.*');
      const plan = await planToGoBack(member);
      await host.write(ETCD_DROP_IN, `[Service]\nExecStart=\nExecStart=/bin/sh -c '${script}'\n`);
      await host.run('systemctl', 'daemon-reload');
      const { exitCode, stdout } = await restore(member, plan);
      expect(exitCode).toBe(4);
      expect(stdout).toContain('ETCD_START_FAILED');
      expect(stdout).toContain('flag provided but not defined: -no-such-flag');
    });

    test('an agent whose journal can no longer be written is started anew', async () => {
      await withAgentSetting('WatchdogSec=4s');
      const pid = await host.unit('lifeboat', 'MainPID');
      await host.run(
        'nsenter',
        '-t',
        pid,
        '-m',
        'mount',
        '-t',
        'tmpfs',
        '-o',
        'ro',
        'tmpfs',
        '/var/lib/etcd-lifeboat',
      );
      await expect.poll(() => host.unit('lifeboat', 'NRestarts'), PATIENT).not.toBe('0');
      const journal = await host.run('journalctl', '--unit=lifeboat', '--no-pager', '--lines=200');
      expect(journal).toContain('Watchdog timeout');
      expect(journal).toContain('EROFS');
      await expect.poll(async () => (await host.lifeboat('status')).exitCode, PATIENT).toBe(0);
    });

    test('beside an etcd that runs as root, the agent does so with the documented drop-in', async () => {
      const dropIn = await documented('lifeboat-root.conf');
      await host.write(AGENT_DROP_IN, dropIn);
      await host.write(ETCD_DROP_IN, '[Service]\nUser=root\n');
      await host.run('systemctl', 'daemon-reload');
      await host.shell(
        'systemctl stop etcd lifeboat; chown -R root: /var/lib/etcd; systemctl start etcd lifeboat',
      );
      const score = /exposure level for lifeboat.service: (\d\.\d)/;
      const shown = await host.run('systemd-analyze', 'security', '--no-pager', 'lifeboat.service');
      expect(Number(score.exec(shown)?.[1])).toBeLessThanOrEqual(3);
      await expectGoesBack(member, 'root');
      await host.shell('systemctl stop etcd lifeboat; chown -R etcd: /var/lib/etcd');
    });

    test('an etcd of another user is restored by an agent of that user, set up as documented', async () => {
      const commands = (await documented('the rule and the configuration for NAME')).replaceAll(
        'NAME',
        'keeper',
      );
      await host.run('useradd', '--system', '--shell', '/usr/sbin/nologin', 'keeper');
      await host.write(AGENT_DROP_IN, (await documented('10-user.conf')).replace('NAME', 'keeper'));
      await host.write(ETCD_DROP_IN, '[Service]\nUser=keeper\n');
      await host.shell(
        'systemctl stop etcd lifeboat; chown -R keeper: /var/lib/etcd; systemctl daemon-reload',
      );
      await host.shell(commands);
      await host.run('systemctl', 'start', 'etcd');
      await expectGoesBack(member, 'keeper');
      await host.shell('rm /etc/polkit-1/rules.d/*lifeboat.rules; chgrp -R etcd /etc/etcd-lifeboat');
      await host.shell('systemctl stop etcd lifeboat; chown -R etcd: /var/lib/etcd');
    });

    test('with the documented drop-in an agent that is root restores the member of another user', async () => {
      await host.write(AGENT_DROP_IN, await documented('lifeboat-root.conf'));
      await host.run('systemctl', 'daemon-reload');
      await host.run('systemctl', 'restart', 'lifeboat');
      await expectGoesBack(member, 'etcd');
    });
  },
);

async function withAgentSetting(setting: string): Promise<void> {
  await host.write(AGENT_DROP_IN, `[Service]\n${setting}\n`);
  await host.run('systemctl', 'daemon-reload');
  await host.run('systemctl', 'restart', 'lifeboat');
}

/** Whether polkit lets etcd's user; what fails for another reason was allowed. */
async function mayAsEtcd(...command: string[]): Promise<boolean> {
  const [program = '', ...args] = command;
  const asEtcd = ['setpriv', '--reuid=etcd', '--regid=etcd', '--init-groups', '--'];
  const { stderr } = await host.try(...asEtcd, program, '--no-ask-password', ...args);
  return !/Interactive authentication required|Access denied/.test(stderr);
}

/** A block that docs/security.md shows under this heading: a drop-in, or commands. */
async function documented(name: string): Promise<string> {
  const guide = await readFile(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const block = new RegExp(`# [^\\n]*${name}\\n([^\`]*)\`\`\``).exec(guide)?.[1];
  if (block === undefined) throw new Error(`docs/security.md does not show ${name}`);
  return block;
}
