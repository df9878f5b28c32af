import { access, mkdir, readdir } from 'node:fs/promises';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { startEtcd } from '../support/etcd-process.ts';
import type { LabHost, LabOptions } from '../support/lab-cluster.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { etcdThatMayFail, flags } from './obstacles.ts';
import {
  clusterIdAt,
  contentsOf,
  copy,
  expectContentsEverywhere,
  expectNewCluster,
  expectTidy,
  loseMembers,
  openHealthyScene,
  openScene,
  plan,
  putKeys,
  refused,
  run,
  save,
  threeOf,
  untilQuorumIsLost,
  untilStopped,
} from './restore-scene.ts';

const KEYS = 300;
const ANYWAY = ['--skip-hash-check', '--reason', 'nothing better is left'];

test.each([
  { hosts: 1, lost: [0], tolerates: 0 },
  { hosts: 5, lost: [1, 2, 4], tolerates: 2 },
])('a cluster of $hosts comes back', async ({ hosts, lost, tolerates }) => {
  await using scene = await openHealthyScene({ hosts });
  const h1 = scene.lab.host(0);
  await putKeys(h1, KEYS);
  const held = await contentsOf(scene, h1);
  const snapshot = await save(scene, h1);
  await loseMembers(
    scene,
    lost.map((index) => scene.lab.host(index)),
  );
  await untilQuorumIsLost(scene, scene.hosts);

  const made = await plan(scene, h1);
  const { exitCode } = await run(scene, h1, made);

  expect(exitCode).toBe(0);
  expect(made.measured.faultTolerance).toBe(tolerates);
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, snapshot.clusterId ?? '');
  await expectTidy(scene);
});

test('a separate WAL directory is swapped with the member, and the old log is set aside', async () => {
  await using scene = await openHealthyScene({ hosts: 3, separateWalDir: true });
  const [h1] = threeOf(scene);
  await putKeys(h1, KEYS);
  const held = await contentsOf(scene, h1);
  const oldId = (await save(scene, h1)).clusterId ?? '';
  await putKeys(h1, KEYS, 'discarded-');
  const logs = await walFilesOf(h1);

  const made = await plan(scene, h1, '--discard-current');
  const { exitCode, view } = await run(scene, h1, made);

  expect(exitCode).toBe(0);
  expect(logs.length).toBeGreaterThan(0);
  const aside = `wal.before-${view.operation}`;
  for (const host of scene.hosts) {
    expect(await walFilesOf(host)).not.toEqual([]);
    expect(await readdir(join(host.directory, 'wal'))).not.toContain('.lifeboat');
    await access(join(host.dataDir, `member.before-${view.operation}`, 'snap', 'db'));
  }
  expect(await readdir(join(h1.directory, 'wal', aside))).toEqual(expect.arrayContaining(logs));
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, oldId);
  await expectTidy(scene);
});

async function walFilesOf(host: LabHost): Promise<string[]> {
  return (await readdir(join(host.directory, 'wal'))).filter((name) => name.endsWith('.wal'));
}

/** etcd as scripts of the operator run it: nobody starts it before it is asked for. */
const byScripts: NonNullable<LabOptions['configure']> = (config, { directory, dataDir }) => {
  const command = (config['supervisor']?.['command'] as string[]).join(' ');
  const write = (name: string, line: string): string[] => {
    const path = join(directory, 'scripts', name);
    mkdirSync(join(directory, 'scripts'), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
    return [path];
  };
  const pid = join(directory, 'etcd.pid');
  return {
    ...config,
    supervisor: {
      kind: 'command',
      start: write(
        'start',
        `[ ! -e "$LIFEBOAT_HOLD_FILE" ] || [ -n "$LIFEBOAT_MAY_START" ] || exit 0\nsetsid ${command} >${directory}/etcd.log 2>&1 &\necho $! >${pid}`,
      ),
      stop: write('stop', `[ ! -e ${pid} ] || kill "$(cat ${pid})" 2>/dev/null || exit 0`),
      status: write('status', `[ -e ${pid} ] && kill -0 "$(cat ${pid})" 2>/dev/null || exit 3\n: ${dataDir}`),
    },
  };
};

test('hosts that never ran a cluster are given one from a file that was made elsewhere', async () => {
  await using elsewhere = await startEtcd();
  await elsewhere.ctl('put', 'made', 'elsewhere');
  await using scene = await openScene({ hosts: 3, configure: byScripts });
  const [h1, h2, h3] = threeOf(scene);
  const file = join(scene.directory, 'elsewhere.db');
  await elsewhere.ctl('snapshot', 'save', file);
  // Empty, as a package makes it; on the others it is not there at all.
  await mkdir(h2.dataDir, { mode: 0o700 });

  const made = await plan(scene, h3, '--file', file);
  const { exitCode, view } = await run(scene, h3, made);

  expect(view).toMatchObject({ phase: 'finished' });
  expect(exitCode).toBe(0);
  expect(made.measured.quorum).toBe('none');
  expect(made.decided.hosts.map(({ found }) => found)).toEqual(['absent', 'absent', 'absent']);
  expect(await scene.lab.ctl(h1, 'get', 'made', '--print-value-only')).toBe('elsewhere');
  await expectNewCluster(scene, made, 'none');
  await expectTidy(scene);
});

test('the alarm of a cluster that ran out of space is shown, tolerated, or disarmed', async () => {
  await using scene = await openHealthyScene({ hosts: 1, etcdFlags: ['--quota-backend-bytes', '4000000'] });
  const h1 = scene.lab.host(0);
  await fillUntilAlarm(h1, (...args) => scene.lab.ctl(h1, ...args));
  await save(scene, h1);
  const discard = (...more: string[]) => plan(scene, h1, '--discard-current', ...more);

  const tolerating = await discard();
  expect(tolerating.decided.alarms).toMatchObject({ carried: [{ alarm: 'NOSPACE' }], action: 'tolerate' });
  expect(tolerating.measured.warnings.join()).toContain('NOSPACE');
  expect((await run(scene, h1, tolerating)).exitCode).toBe(0);
  expect(await scene.lab.ctl(h1, 'alarm', 'list')).toContain('NOSPACE');

  const disarming = await discard('--disarm-alarms');
  expect(disarming.decided.alarms.action).toBe('disarm');
  expect((await run(scene, h1, disarming)).exitCode).toBe(0);
  expect(await scene.lab.ctl(h1, 'alarm', 'list')).not.toContain('NOSPACE');
  expect(await scene.lab.ctl(h1, 'put', 'there', 'is room')).toBe('OK');
});

/** The quota is reached by history, which is then dropped: the alarm stays, and the database is small again. */
async function fillUntilAlarm(host: LabHost, ctl: (...args: string[]) => Promise<string>): Promise<void> {
  const put = { key: btoa('big'), value: Buffer.alloc(500_000, 'x').toString('base64') };
  let answer: Response;
  do {
    answer = await fetch(`${host.clientUrl}/v3/kv/put`, { method: 'POST', body: JSON.stringify(put) });
    await answer.arrayBuffer();
  } while (answer.ok);
  const [status] = JSON.parse(await ctl('endpoint', 'status', '-w', 'json')) as [
    { Status: { header: { revision: number } } },
  ];
  await ctl('compact', '--physical', String(status.Status.header.revision));
  await ctl('defrag');
}

test('agents that know one another by certificate restore too', async () => {
  await using keys = await temporaryDirectory();
  const { caFile, certs } = await makeCertificates(keys.path, ['h1', 'h2', 'h3']);
  await using scene = await openHealthyScene({
    hosts: 3,
    configure: ({ mesh = {}, ...config }, { name }) => {
      const peers = (mesh['peers'] as { name: string; url: string }[]).map((peer) => ({
        ...peer,
        url: peer.url.replace('ws://', 'wss://'),
      }));
      return { ...config, mesh: { listen: mesh['listen'], peers, tls: { caFile, ...certs[name] } } };
    },
  });
  const [h1, h2] = threeOf(scene);
  await putKeys(h1, KEYS);
  const held = await contentsOf(scene, h1);
  const oldId = (await save(scene, h1)).clusterId ?? '';

  const made = await plan(scene, h2, '--discard-current');
  const { exitCode } = await run(scene, h2, made);

  expect(exitCode).toBe(0);
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, oldId);
});

test('a cluster with TLS, client certificates and passwords comes back from the file of a member', async () => {
  await using keys = await temporaryDirectory();
  const { caFile, certs } = await makeCertificates(keys.path, ['member']);
  const passwordFile = join(keys.path, 'password');
  writeFileSync(passwordFile, 'secret\n', { mode: 0o600 });
  await using scene = await openHealthyScene({
    hosts: 3,
    etcdProgram: etcdThatMayFail,
    clientTls: { caFile, certFile: '', keyFile: '', ...certs['member'] },
    overrides: () => ({ etcd: { auth: { user: 'root', passwordFile } } }),
  });
  const [h1, h2, h3] = threeOf(scene);
  const asRoot = (...args: string[]) => scene.lab.ctl(h1, '--user', 'root:secret', ...args);
  await scene.lab.ctl(h1, 'user', 'add', 'root:secret');
  await scene.lab.ctl(h1, 'user', 'grant-role', 'root', 'root');
  await scene.lab.ctl(h1, 'put', 'kept', 'by passwords');
  await scene.lab.ctl(h1, 'auth', 'enable');
  const oldId = (await clusterIdAt(scene, h1)) ?? '';
  // Without quorum nobody gets a token, so a stream cannot be had; the third member is not even there.
  for (const host of [h2, h3]) await flags.refusesOldData(host).set();
  for (const host of [h2, h3]) process.kill(await scene.lab.etcdPid(host), 'SIGTERM');
  for (const host of [h2, h3]) await untilStopped(scene, host);
  await untilQuorumIsLost(scene, [h1]);
  // A token that was given before would still be good.
  await scene.lab.stopAgent(h1, 'SIGKILL');
  await scene.lab.startAgent(h1);
  expect(await refused(scene, h1, 'snapshot', 'save')).toMatchObject({
    code: 'ETCD_TIMEOUT',
    hint: expect.stringContaining('Without quorum `snapshot copy` takes its file') as string,
  });
  const copied = await copy(scene, h1);
  expect(copied).toMatchObject({ grade: 'raw', method: 'plain-copy' });
  expect((await plan(scene, h1, '--from-member', 'h2', ...ANYWAY)).decided.holders).toEqual(['h2']);

  const made = await plan(scene, h1, '--snapshot', copied.id, ...ANYWAY);
  const { exitCode, view } = await run(scene, h1, made);

  expect(view).toMatchObject({ phase: 'finished' });
  expect(exitCode).toBe(0);
  expect(await asRoot('get', 'kept', '--print-value-only')).toBe('by passwords');
  await expect(scene.lab.ctl(h1, '--user', 'root:wrong', 'get', 'kept')).rejects.toThrow(
    'authentication failed',
  );
  for (const host of scene.hosts) {
    expect((await scene.lab.ask(host, 'status', {})).etcd).toMatchObject({ hasQuorum: true });
    expect(await clusterIdAt(scene, host)).not.toBe(oldId);
  }
  await expectTidy(scene);
});
