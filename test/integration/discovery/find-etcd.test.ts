import { execa } from 'execa';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseEtcdConfigFile } from '../../../src/config/etcd-config-file.ts';
import { parseConfig } from '../../../src/config/load-config.ts';
import { makeFirstConfig, type FirstConfig } from '../../../src/cli/config-init.ts';
import { findEtcd } from '../../../src/discovery/find-etcd.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { etcdBinary } from '../../support/etcd-binaries.ts';
import { etcdctl, startEtcd } from '../../support/etcd-process.ts';
import { freePorts } from '../../support/free-port.ts';
import { lifeboat } from '../../support/lifeboat-command.ts';
import { startSystemdUser, whyNoSystemdUser } from '../../support/systemd-user.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;
const PATIENT = { timeout: 20_000, interval: 100 };
const WHY_NOT = whyNoSystemdUser();
const isRoot = process.getuid?.() === 0;

interface Launched extends AsyncDisposable {
  readonly pid: number;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly directory: string;
}

/** An etcd that is told what it needs in one of the ways that etcd knows, in a working directory of its own. */
async function launch(
  tell: (urls: { clientUrl: string; peerUrl: string; directory: string }) => Promise<{
    args: string[];
    env?: Record<string, string>;
  }>,
): Promise<Launched> {
  const scratch = await temporaryDirectory();
  const directory = scratch.path;
  const [client = 0, peer = 0] = await freePorts(2);
  const urls = { clientUrl: `http://127.0.0.1:${client}`, peerUrl: `http://127.0.0.1:${peer}`, directory };
  const { args, env = {} } = await tell(urls);
  const etcd = execa(etcdBinary('etcd'), args, { cwd: directory, env, reject: false, stdio: 'ignore' });
  await expect
    .poll(
      () =>
        etcdctl(urls.clientUrl, ['endpoint', 'health']).then(
          () => true,
          () => false,
        ),
      PATIENT,
    )
    .toBe(true);
  return {
    ...urls,
    pid: etcd.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      etcd.kill('SIGKILL');
      await etcd;
      await scratch[Symbol.asyncDispose]();
    },
  };
}

async function firstConfig(pid: number): Promise<FirstConfig> {
  return await makeFirstConfig({ target: { pid }, supervisor: 'process' }, 'c.yaml', NEVER);
}

/** What etcd itself says that it works by. */
async function expectMatch(etcd: Launched, name: string, made: FirstConfig): Promise<void> {
  const { etcd: section } = parseConfig(made.yaml, 'c.yaml');
  const answer = JSON.parse(await etcdctl(etcd.clientUrl, ['member', 'list', '-w', 'json'])) as {
    members: { name: string; peerURLs: string[]; clientURLs: string[] }[];
  };
  expect(answer.members).toMatchObject([{ name, peerURLs: section.peerUrls }]);
  expect(section).toMatchObject({ memberName: name, endpoint: etcd.clientUrl, peerUrls: [etcd.peerUrl] });
  // The lock on the database that it serves from.
  const open = await execa('sh', ['-c', `ls -l /proc/${etcd.pid}/fd`]);
  expect(open.stdout).toContain(`${section.dataDir}/member/snap/db`);
  expect(made.problems).toEqual([]);
}

test('an etcd that was told by flags, with a data directory relative to where it was started', async () => {
  await using etcd = await launch(({ clientUrl, peerUrl }) =>
    Promise.resolve({
      args: [
        ...['--name', 'flags', '--data-dir', 'data', '--listen-client-urls', clientUrl],
        ...['--advertise-client-urls', clientUrl, `--listen-peer-urls=${peerUrl}`],
        ...[`-initial-advertise-peer-urls=${peerUrl}`, `--initial-cluster=flags=${peerUrl}`],
      ],
      // A flag is stronger than its variable; etcd 3.4 and newer refuses to start with both, so another one.
      env: { ETCD_SNAPSHOT_COUNT: '5000' },
    }),
  );
  const made = await firstConfig(etcd.pid);
  await expectMatch(etcd, 'flags', made);
  expect(made.etcd.settings.sources).toMatchObject({ name: 'flag', 'data-dir': 'flag' });
  expect(parseConfig(made.yaml, 'c.yaml').supervisor).toMatchObject({
    kind: 'process',
    command: expect.arrayContaining([
      `--data-dir=${etcd.directory}/data`,
      '--snapshot-count=5000',
    ]) as unknown,
  });
});

test('an etcd that was told by its environment alone, with the data directory that etcd chooses', async () => {
  await using etcd = await launch(({ clientUrl, peerUrl }) =>
    Promise.resolve({
      args: [],
      env: {
        ETCD_NAME: 'varied',
        ETCD_LISTEN_CLIENT_URLS: clientUrl,
        ETCD_ADVERTISE_CLIENT_URLS: clientUrl,
        ETCD_LISTEN_PEER_URLS: peerUrl,
        ETCD_INITIAL_ADVERTISE_PEER_URLS: peerUrl,
        ETCD_INITIAL_CLUSTER: `varied=${peerUrl}`,
      },
    }),
  );
  const made = await firstConfig(etcd.pid);
  await expectMatch(etcd, 'varied', made);
  expect(made.etcd.settings.sources).toMatchObject({ name: 'environment', 'data-dir': 'default' });
});

test('an etcd that was told by its configuration file, which is stronger than flags and environment', async () => {
  await using etcd = await launch(async ({ clientUrl, peerUrl, directory }) => {
    const lines = [
      'name: filed',
      `listen-client-urls: ${clientUrl}`,
      `advertise-client-urls: ${clientUrl}`,
      `listen-peer-urls: ${peerUrl}`,
      `initial-advertise-peer-urls: ${peerUrl}`,
      `initial-cluster: filed=${peerUrl}`,
      'wal-dir: logs',
    ];
    await writeFile(join(directory, 'etcd.yml'), `${lines.join('\n')}\n`);
    return { args: ['--config-file', 'etcd.yml'], env: { ETCD_NAME: 'ignored', ETCD_DATA_DIR: '/ignored' } };
  });
  const made = await firstConfig(etcd.pid);
  await expectMatch(etcd, 'filed', made);
  expect(parseConfig(made.yaml, 'c.yaml').etcd.walDir).toBe(`${etcd.directory}/logs`);
  expect(made.found.join('\n')).toContain(`${etcd.directory}/etcd.yml`);
});

test('an etcd with TLS and client certificates: all that can be known is found, and works', async () => {
  await using directory = await temporaryDirectory();
  const { caFile, certs } = await makeCertificates(directory.path, ['db.example.org']);
  const { certFile = '', keyFile = '' } = certs['db.example.org'] ?? {};
  const [port = 0] = await freePorts(1);
  await using etcd = await startEtcd({
    clientUrl: `https://127.0.0.1:${port}`,
    flags: [
      '--client-cert-auth',
      '--trusted-ca-file',
      caFile,
      '--cert-file',
      certFile,
      '--key-file',
      keyFile,
    ],
    ctlFlags: ['--cacert', caFile, '--cert', certFile, '--key', keyFile],
  });
  const made = await firstConfig(etcd.pid);
  expect(parseConfig(made.yaml, 'c.yaml').etcd.tls).toEqual({ caFile, certFile, keyFile });
  // It was asked with them.
  expect(made.found.join('\n')).toContain(`https://127.0.0.1:${port}: the cluster has m1`);
});

test('a process that is not etcd, none at all, and a unit that nobody has are errors that say so', async () => {
  const options = { parseYaml: parseEtcdConfigFile, systemctl: 'systemctl', signal: NEVER };
  await expect(findEtcd({ pid: process.pid }, options)).rejects.toMatchObject({ code: 'ETCD_NOT_FOUND' });
  await expect(findEtcd({ pid: 2 ** 22 + 1 }, options)).rejects.toMatchObject({
    code: 'ETCD_NOT_FOUND',
    message: `there is no process ${2 ** 22 + 1}`,
  });
  const { exitCode, stderr } = await lifeboat(['config', 'init', '--pid', '1', '--unit', 'etcd.service']);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('not both') as string,
  });
});

test('several etcds are listed, and one must be named', async () => {
  await using one = await startEtcd();
  await using other = await startEtcd();
  const { exitCode, stderr, stdout } = await lifeboat(['config', 'init']);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain('error ETCD_AMBIGUOUS');
  for (const { pid, dataDir } of [one, other])
    expect(stderr).toMatch(new RegExp(`process ${pid}\\b.*${dataDir}`));
});

test('what is written is whole, its owner’s alone, and replaces nothing unless it is told to', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const path = join(directory.path, 'new', 'c.yaml');
  const args = ['config', 'init', '--pid', String(etcd.pid), '--supervisor', 'process', '--write', path];
  expect(await lifeboat(args)).toMatchObject({ exitCode: 0, stdout: `wrote ${path}, mode 0600` });
  expect((await execa('stat', ['-c', '%a', path])).stdout).toBe('600');
  expect(await lifeboat(['config', 'check', '--config', path])).toMatchObject({ exitCode: 0 });

  await writeFile(path, 'mine\n');
  const again = await lifeboat(args);
  expect(again).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('--force replaces it') as string,
  });
  expect((await execa('cat', [path])).stdout).toBe('mine');
  const json = await lifeboat([...args, '--force', '-o', 'json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ valid: true, file: path, pid: etcd.pid, problems: [] });
});

test.skipIf(!isRoot)(
  'another user is told that the environment is closed to it (needs root to become one)',
  async () => {
    await using etcd = await launch(({ clientUrl, peerUrl }) =>
      Promise.resolve({
        args: ['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
        env: {
          ETCD_LISTEN_PEER_URLS: peerUrl,
          ETCD_INITIAL_ADVERTISE_PEER_URLS: peerUrl,
          ETCD_INITIAL_CLUSTER: `default=${peerUrl}`,
        },
      }),
    );
    const node = ['--reuid=nobody', '--regid=nogroup', '--clear-groups', process.execPath, '--import', 'tsx'];
    const main = ['src/main.ts', 'config', 'init', '--pid', String(etcd.pid)];
    const { stderr, stdout, exitCode } = await execa('setpriv', [...node, ...main], {
      reject: false,
      env: { HOME: '/tmp', TMPDIR: '/tmp' },
    });
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining(
        `/proc/${etcd.pid}/environ (EACCES) cannot be read by this user`,
      ) as string,
    });
    expect(stderr).toContain('to do    etcd.dataDir');
    expect(stdout).toContain('# TODO etcd');
  },
);

describe.skipIf(WHY_NOT !== undefined)(
  `etcd as a unit of systemd${WHY_NOT === undefined ? '' : `: ${WHY_NOT}`}`,
  () => {
    test('a unit is read as systemd has it, before and while it runs', async () => {
      await using manager = await startSystemdUser();
      const [client = 0, peer = 0] = await freePorts(2);
      const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
      await mkdir(join(manager.directory, 'cwd'));
      await writeFile(
        join(manager.directory, 'etcd.env'),
        `# from a file\nETCD_LISTEN_PEER_URLS="${peerUrl}"\nETCD_INITIAL_CLUSTER='unit a=${peerUrl}'\nDAEMON_ARGS=--listen-client-urls=${clientUrl} --advertise-client-urls=${clientUrl}\n`,
      );
      await manager.install(
        'etcd@a.service',
        [
          '[Service]',
          `Environment=ETCD_NAME=unit-%i "ETCD_INITIAL_CLUSTER=unit-a=${peerUrl}" ETCD_INITIAL_ADVERTISE_PEER_URLS=${peerUrl}`,
          `EnvironmentFile=${manager.directory}/etcd.env`,
          `EnvironmentFile=-${manager.directory}/none.env`,
          'UnsetEnvironment=ETCD_INITIAL_CLUSTER',
          `WorkingDirectory=${manager.directory}/cwd`,
          `ExecStart=${etcdBinary('etcd')} $DAEMON_ARGS --initial-cluster unit-a=${peerUrl}`,
          '',
        ].join('\n'),
      );
      const wish = { systemctl: manager.systemctl, target: { unit: 'etcd@a' } };
      const before = await makeFirstConfig(wish, 'c.yaml', NEVER);
      await execa(manager.systemctl, ['start', 'etcd@a.service']);
      await expect
        .poll(
          () =>
            etcdctl(clientUrl, ['endpoint', 'health']).then(
              () => true,
              () => false,
            ),
          PATIENT,
        )
        .toBe(true);
      const running = await makeFirstConfig(wish, 'c.yaml', NEVER);

      expect(before.etcd.pid).toBeUndefined();
      expect(running.etcd.pid).toBeGreaterThan(0);
      for (const made of [before, running]) {
        expect(made.problems).toEqual([]);
        expect(parseConfig(made.yaml, 'c.yaml')).toMatchObject({
          agent: { stateDir: '/var/lib/etcd-lifeboat-a', controlSocket: '/run/etcd-lifeboat-a/control.sock' },
          etcd: {
            memberName: 'unit-a',
            endpoint: clientUrl,
            peerUrls: [peerUrl],
            dataDir: `${manager.directory}/cwd/unit-a.etcd`,
          },
          supervisor: { kind: 'systemd', unit: 'etcd@a.service', systemctl: manager.systemctl },
        });
      }
      const options = { parseYaml: parseEtcdConfigFile, systemctl: manager.systemctl, signal: NEVER };
      await expect(findEtcd({ unit: 'absent' }, options)).rejects.toMatchObject({
        code: 'ETCD_NOT_FOUND',
        message: 'systemd says that absent.service is not-found',
      });
    });
  },
);
