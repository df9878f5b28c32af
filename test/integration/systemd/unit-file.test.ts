import { execa, execaSync } from 'execa';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const UNIT = new URL('../../../systemd/lifeboat.service', import.meta.url);
const TEMPLATE = new URL('../../../systemd/lifeboat@.service', import.meta.url);
const GUIDE = new URL('../../../docs/security.md', import.meta.url);
const MOST_EXPOSURE = 3;
const canVerify = !execaSync('systemd-analyze', ['--version'], { reject: false }).failed;

test.skipIf(!canVerify)('systemd accepts the unit without a word (needs systemd-analyze)', async () => {
  await using directory = await temporaryDirectory();
  expect(await verify(directory.path, (text) => text)).toEqual({ exitCode: 0, complaints: [] });
});

test.skipIf(!canVerify)(
  'systemd would complain about a key that it does not know (needs systemd-analyze)',
  async () => {
    await using directory = await temporaryDirectory();
    const { complaints } = await verify(directory.path, (text) =>
      text.replace('WatchdogSec=', 'WatchdogSecs='),
    );
    expect(complaints.join('\n')).toContain('WatchdogSecs');
  },
);

test('the unit leaves etcd alone when the agent ends, and stops it in time', async () => {
  const keys = Object.fromEntries(
    (await readFile(UNIT, 'utf8'))
      .split('\n')
      .filter((line) => /^[A-Z][A-Za-z]*=/.test(line))
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  ) as Record<string, string>;
  expect(keys).toMatchObject({
    Type: 'notify',
    NotifyAccess: 'all',
    KillMode: 'process',
    WatchdogSec: '2min',
  });
  // The default `supervisor.stopTimeoutSeconds`, which an orderly stop may wait for.
  expect(Number(keys['TimeoutStopSec'])).toBeGreaterThan(90);
});

test.skipIf(!canVerify)(
  'systemd finds the unit little exposed, and the guide says why what is left stays (needs systemd-analyze)',
  async () => {
    await using directory = await temporaryDirectory();
    const { score, open } = await exposureOf(directory.path, (text) => text);
    expect(score).toBeLessThanOrEqual(MOST_EXPOSURE);
    const guide = (await readFile(GUIDE, 'utf8')).replaceAll('\\|', '|');
    const rows = guide.split('\n').filter((line) => line.startsWith('| `'));
    expect(open.filter((setting) => !rows.some((row) => row.includes(`\`${setting}\``)))).toEqual([]);
    // Other releases of systemd weigh a little differently.
    const promised = Number(/says (\d\.\d) of 10/.exec(guide)?.[1]);
    expect(Math.abs(score - promised)).toBeLessThan(0.4);
  },
);

test.skipIf(!canVerify)(
  'systemd finds a unit without our hardening much exposed (needs systemd-analyze)',
  async () => {
    await using directory = await temporaryDirectory();
    const bare = (text: string) => text.replace(/^(Protect|Restrict|Capability|SystemCall).*\n/gm, '');
    expect((await exposureOf(directory.path, bare)).score).toBeGreaterThan(MOST_EXPOSURE);
  },
);

test('the unit for several etcds is the same but for its names', async () => {
  const settings = (text: string) => text.split('\n').filter((line) => /^[A-Z[]/.test(line));
  const single = settings(await readFile(UNIT, 'utf8'));
  const template = settings(await readFile(TEMPLATE, 'utf8'));
  expect(template.filter((line) => !single.includes(line))).toEqual([
    'Description=etcd-lifeboat, the agent beside etcd@%i',
    'AssertPathExists=/etc/etcd-lifeboat/%i.yaml',
    'ExecStart=/usr/bin/lifeboat agent --config /etc/etcd-lifeboat/%i.yaml',
    'StateDirectory=etcd-lifeboat-%i',
    'RuntimeDirectory=etcd-lifeboat-%i',
  ]);
  expect(template).toHaveLength(single.length);
});

async function exposureOf(
  directory: string,
  change: (text: string) => string,
): Promise<{ score: number; open: string[] }> {
  const path = join(directory, 'lifeboat.service');
  const text = (await readFile(UNIT, 'utf8')).replace('/usr/bin/lifeboat', '/bin/true');
  await writeFile(path, change(text));
  const { stdout } = await execa('systemd-analyze', ['security', '--offline=true', '--no-pager', path], {
    env: { LC_ALL: 'C.UTF-8', SYSTEMD_COLORS: '0' },
  });
  const open = stdout.split('\n').flatMap((line) => /^✗ (\S+)/.exec(line)?.[1] ?? []);
  return { score: Number(/exposure level for \S+: (\d+\.\d)/.exec(stdout)?.[1]), open };
}

/** The program is not installed where tests run: that alone is replaced. */
async function verify(
  directory: string,
  change: (text: string) => string,
): Promise<{ exitCode: number | undefined; complaints: string[] }> {
  const path = join(directory, 'lifeboat.service');
  const text = (await readFile(UNIT, 'utf8')).replace('/usr/bin/lifeboat', '/bin/true');
  await writeFile(path, change(text));
  const { exitCode, stderr } = await execa('systemd-analyze', ['verify', '--man=no', path], {
    reject: false,
  });
  return { exitCode, complaints: stderr.split('\n').filter((line) => line.includes(path)) };
}
