import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { SnapshotManifest } from '../../src/formats/snapshot-manifest.ts';
import { installAgents, killAgent, mainPids, offerPackages, removeSetAside } from './agent-on-host.ts';
import { planBackInTime } from './back-in-time.ts';
import {
  clusterIdAt,
  contentsOf,
  etcdctl,
  expectClusterComplete,
  expectEnded,
  expectRestored,
  onAll,
  openHostScene,
  planOn,
  runUnwatched,
  setUpAgent,
  setUpEtcd,
  statusOf,
  untilUnit,
  type HostScene,
} from './host-scene.ts';
import { PATIENT } from './host.ts';
import { DATA_DIR } from './operator-files.ts';
import { inBrackets, whyNoHosts } from './why-no-hosts.ts';

const EACH_FIVE_SECONDS = '*/5 * * * * *';
const START_WAITS = '/run/etcd-start-waits';
const STOP_WAITS = '/run/etcd-stop-waits';

const reason = whyNoHosts();
let scene: HostScene;
let packages: readonly [string, string, string];
let failed = false;

describe.skipIf(reason !== undefined)(`three hosts with systemd${inBrackets(reason)}`, () => {
  beforeAll(async () => {
    scene = await openHostScene(process.env['LIFEBOAT_ETCD_BIN']);
    packages = await offerPackages(scene);
  });
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });
  // The tests are one story on one set of hosts.
  beforeEach(({ skip }) => {
    skip(failed, 'a test before it failed on these hosts');
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    failed = true;
    for (const host of scene.hosts)
      process.stderr.write(`--- journal of ${host.name}\n${await host.journal()}\n`);
  });

  test('a host without Node runs the agent of the package, which is not root', async () => {
    const [host1] = scene.hosts;
    await onAll(scene, async (host) => {
      await setUpEtcd(scene, host);
      await host.run('systemctl', 'enable', '--now', 'etcd');
    });
    expect(await host1.shell('type -P node nodejs || true')).toBe('');
    await installAgents(scene, packages[0]);
    await onAll(scene, (host) => setUpAgent(scene, host, EACH_FIVE_SECONDS));
    await expectClusterComplete(scene);
    for (const host of scene.hosts) {
      expect(await host.unit('lifeboat', 'ActiveState')).toBe('active');
      expect(await host.unit('lifeboat', 'Type')).toBe('notify');
      expect(await host.unit('lifeboat', 'WatchdogUSec')).toMatch(/^\d/);
      const pid = await host.unit('lifeboat', 'MainPID');
      expect(await host.run('stat', '--format=%U', `/proc/${pid}`)).toBe('etcd');
      expect(await host.run('readlink', `/proc/${pid}/exe`)).toMatch(/^\/usr\/lib\/etcd-lifeboat\//);
    }
    const shown = await host1.run('lifeboat', 'status');
    expect(shown).toMatch(/quorum +yes/);
    expect(shown).toMatch(/host2\.example\.org +connected/);
  });

  test('the schedule takes a snapshot, which is proved and listed', async () => {
    const [host1] = scene.hosts;
    await etcdctl(host1, 'put', 'scheduled', 'yes');
    await expect
      .poll(async () => {
        const { snapshots, etcd } = await statusOf(host1);
        return snapshots.newestProved?.revision === etcd.revision;
      }, PATIENT)
      .toBe(true);
    expect(await host1.run('lifeboat', 'snapshot', 'list')).toMatch(/streamed +hashed/);
    expect(await host1.run('lifeboat', 'snapshot', 'verify', '--all')).toMatch(/^sound /m);
    await onAll(scene, (host) => setUpAgent(scene, host));
    await expectClusterComplete(scene);
  });

  test('the doctor finds all three hosts well, and a first configuration fits the etcd of the unit', async () => {
    const [host1] = scene.hosts;
    let stdout = '';
    // A process may end, or a link be dialled, in the moment of a look.
    await expect
      .poll(async () => {
        const outcome = await host1.lifeboat('doctor', '--all');
        stdout = outcome.stdout;
        // The disks of these hosts are overlays, and the doctor is right to say so.
        const complaints = stdout
          .split('\n')
          .filter((line) => /^(warn|fail) /.test(line) && !line.includes('overlay'));
        return { exitCode: outcome.exitCode, complaints };
      }, PATIENT)
      .toEqual({ exitCode: 0, complaints: [] });
    for (const { fqdn } of scene.hosts) expect(stdout).toContain(`${fqdn}  release`);
    await host1.run('lifeboat', 'config', 'init', '--write', '/root/draft.yaml');
    const written = parse(await host1.run('cat', '/etc/etcd-lifeboat/config.yaml')) as Record<string, object>;
    const draft = parse(await host1.run('cat', '/root/draft.yaml')) as typeof written;
    const { owner, tls, ...etcd } = written['etcd'] as { owner: unknown; tls: unknown };
    expect([owner, tls]).not.toContain(undefined);
    expect(draft['etcd']).toMatchObject(etcd);
    expect(draft['supervisor']).toMatchObject({ kind: 'systemd', unit: 'etcd.service' });
    expect(draft['agent']).toMatchObject({ name: host1.fqdn });
  });

  test('an agent that hangs is started again by the watchdog, and etcd does not notice', async () => {
    const [host1] = scene.hosts;
    const etcdPid = await host1.unit('etcd', 'MainPID');
    await host1.write('/etc/systemd/system/lifeboat.service.d/quick.conf', '[Service]\nWatchdogSec=5\n');
    await host1.run('systemctl', 'daemon-reload');
    await host1.run('systemctl', 'restart', 'lifeboat');
    const pid = await host1.unit('lifeboat', 'MainPID');
    await host1.run('kill', '-STOP', pid);
    // With so short a time a busy machine may start it more than once.
    await expect.poll(() => host1.unit('lifeboat', 'NRestarts'), PATIENT).not.toBe('0');
    await expectClusterComplete(scene);
    expect(await host1.run('journalctl', '--unit=lifeboat', '--output=cat')).toContain('Watchdog timeout');
    expect(await host1.unit('lifeboat', 'MainPID')).not.toBe(pid);
    expect(await host1.unit('etcd', 'MainPID')).toBe(etcdPid);
    await host1.run('rm', '/etc/systemd/system/lifeboat.service.d/quick.conf');
    await host1.run('systemctl', 'daemon-reload');
  });

  test('two of three hosts lose power and data, and one command on the third restores the cluster', async () => {
    const [host1, host2, host3] = scene.hosts;
    await host1.run('lifeboat', 'snapshot', 'save');
    const [contents, oldClusterId] = [await contentsOf(host1), await clusterIdAt(host1)];
    for (const host of [host2, host3]) {
      await host.powerCut();
      await host.wipe(DATA_DIR);
    }
    await expect.poll(async () => (await statusOf(host1)).etcd.hasQuorum, PATIENT).toBe(false);
    await Promise.all([host2.boot(), host3.boot()]);
    await expect
      .poll(async () => (await statusOf(host1)).peers.map(({ state }) => state), PATIENT)
      .toEqual(['connected', 'connected']);
    const plan = await planOn(host1);
    const { exitCode, stdout } = await host1.lifeboat('restore', 'run', '--confirm', plan.hash);
    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('finished') as string,
    });

    // Incident 26: right after the finish everything goes dark.
    await Promise.all(scene.hosts.map((host) => host.powerCut()));
    await Promise.all(scene.hosts.map((host) => host.boot()));
    await expectRestored(scene, plan, { contents, oldClusterId });
    expect(await host1.run('ls', DATA_DIR)).toContain(`member.before-${plan.decided.operation}`);
    await removeSetAside(scene);
  });

  test('an agent that is killed while its etcd stops leaves the operation whole or undone', async () => {
    const [host1, host2] = scene.hosts;
    const { plan, before, after } = await planBackInTime(scene);
    await host2.run('touch', STOP_WAITS);
    runUnwatched(host1, plan);
    await untilUnit(host2, 'etcd', 'ActiveState', 'deactivating');
    await killAgent(host2);
    await host2.run('rm', STOP_WAITS);
    await expectEnded(scene, plan, { finished: before, aborted: after });
  });

  test('a coordinator that is killed before the decision aborts, and every etcd is as it was found', async () => {
    const [host1, host2] = scene.hosts;
    const { plan, after } = await planBackInTime(scene);
    await host2.run('touch', STOP_WAITS);
    runUnwatched(host1, plan);
    await untilUnit(host2, 'etcd', 'ActiveState', 'deactivating');
    await killAgent(host1);
    await host2.run('rm', STOP_WAITS);
    await expectEnded(scene, plan, { aborted: after });
  });

  test('agents that are killed after the decision are started again, and the restore ends whole', async () => {
    const [host1, host2] = scene.hosts;
    const { plan, before } = await planBackInTime(scene);
    await host2.run('touch', START_WAITS);
    runUnwatched(host1, plan);
    await untilUnit(host2, 'etcd', 'SubState', 'start-pre');
    await Promise.all([killAgent(host1), killAgent(host2)]);
    await host2.run('rm', START_WAITS);
    await expectEnded(scene, plan, { finished: before });
  });

  test('a host that boots while the hold is in force does not start etcd before the agent says so', async () => {
    const [host1, host2, host3] = scene.hosts;
    const { plan, before, after } = await planBackInTime(scene);
    await host2.run('touch', STOP_WAITS);
    runUnwatched(host1, plan);
    await untilUnit(host2, 'etcd', 'ActiveState', 'deactivating');
    await untilUnit(host3, 'etcd', 'ActiveState', 'inactive');
    await host3.reboot();
    expect(await host3.unit('etcd', 'ConditionResult')).toBe('no');
    expect(await host3.unit('etcd', 'ActiveState')).toBe('inactive');
    await host2.run('rm', STOP_WAITS);
    await expectEnded(scene, plan, { finished: before, aborted: after });
  });

  test('an upgrade of the package restarts the agent and not etcd', async () => {
    const pids = await onAll(scene, (host) => mainPids(host));
    await installAgents(scene, packages[1]);
    await expectClusterComplete(scene);
    for (const [index, host] of scene.hosts.entries()) {
      const now = await mainPids(host);
      expect(now.agent).not.toBe(pids[index]?.agent);
      expect(now.etcd).toBe(pids[index]?.etcd);
    }
  });

  test('an upgrade in the middle of a restore does not hurt it', async () => {
    const [host1, host2, host3] = scene.hosts;
    const { plan, before } = await planBackInTime(scene);
    await host2.run('touch', STOP_WAITS);
    runUnwatched(host1, plan);
    await untilUnit(host2, 'etcd', 'ActiveState', 'deactivating');
    const log = '/run/upgrade.log';
    const upgrades = [host1, host3].map((host) => host.shell(`dpkg -i ${packages[2]} >${log} 2>&1`));
    for (const host of [host1, host3]) {
      await expect.poll(() => host.shell(`cat ${log} || true`), PATIENT).toContain(plan.decided.operation);
    }
    await host2.run('rm', STOP_WAITS);
    await Promise.all(upgrades);
    await expectEnded(scene, plan, { finished: before });
  });

  test('a drill boots a snapshot inside the sandbox of the agent, and etcd does not notice', async () => {
    const [host1] = scene.hosts;
    const etcdPid = await host1.unit('etcd', 'MainPID');
    const { manifest } = await host1.json<{ manifest: SnapshotManifest }>('snapshot', 'save');
    expect(await host1.run('lifeboat', 'drill', 'run', manifest.id)).toContain('booted');
    const { snapshots } = await host1.json<{ snapshots: SnapshotManifest[] }>('snapshot', 'list');
    expect(snapshots.find(({ id }) => id === manifest.id)).toMatchObject({ grade: 'booted' });
    expect(await host1.unit('etcd', 'MainPID')).toBe(etcdPid);
  });

  test('a host that was off during a restore is fenced when it boots, and one command brings it back', async () => {
    const [host1, , host3] = scene.hosts;
    const { manifest } = await planBackInTime(scene);
    await host3.powerCut();
    const flags = ['--discard-current', '--snapshot', manifest.id, '--without', host3.fqdn];
    const { hash, decided } = await planOn(host1, ...flags);
    await host1.run('lifeboat', 'restore', 'run', '--confirm', hash);
    await etcdctl(host1, 'put', 'while', 'host3 was off');

    await host3.boot();
    const fenced = { operations: [decided.operation], next: ['lifeboat member rejoin'] };
    await expect
      .poll(async () => (await statusOf(host3).catch(() => undefined))?.fence, PATIENT)
      .toMatchObject(fenced);
    await untilUnit(host3, 'etcd', 'ActiveState', 'inactive');
    await host3.run('systemctl', 'start', 'etcd');
    expect(await host3.unit('etcd', 'ActiveState')).toBe('inactive');

    await host3.run('lifeboat', 'member', 'rejoin', '--yes');
    await expectClusterComplete(scene);
    expect((await statusOf(host3)).fence).toBeUndefined();
    expect(await clusterIdAt(host3)).toBe(await clusterIdAt(host1));
    expect(await contentsOf(host3)).toEqual(await contentsOf(host1));
    expect(await host3.run('find', DATA_DIR, '!', '-user', 'etcd')).toBe('');

    // As any member from here on: etcd comes back with the host.
    await host3.powerCut();
    await host3.boot();
    await expectClusterComplete(scene);
    await removeSetAside(scene);
  });

  test('an export to where the agent may not write, or nobody else may look, fails and says so', async () => {
    const [host1] = scene.hosts;
    const { manifest } = await host1.json<{ manifest: SnapshotManifest }>('snapshot', 'save');
    for (const path of ['/srv/etcd.db', '/root/etcd.db', '/tmp/etcd.db']) {
      const command = ['-o', 'json', 'snapshot', 'export', manifest.id, path];
      const { exitCode, stdout } = await host1.lifeboat(...command);
      expect(exitCode).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'EXPORT_TARGET_UNWRITABLE' } });
    }
  });

  test('three new hosts get the cluster from a snapshot file', async () => {
    const [host1] = scene.hosts;
    const { manifest } = await host1.json<{ manifest: SnapshotManifest }>('snapshot', 'save');
    // Written by the agent, which may write to no other place.
    const exported = '/var/lib/etcd-lifeboat/etcd.db';
    await host1.run('lifeboat', 'snapshot', 'export', manifest.id, exported);
    const [contents, oldClusterId] = [await contentsOf(host1), await clusterIdAt(host1)];
    await copyFile(host1.path(exported), join(scene.lab.packages, 'etcd.db'));
    await Promise.all(scene.hosts.map((host) => host.powerCut()));
    await onAll(scene, async (host) => {
      await host.install();
      await host.boot();
      await setUpEtcd(scene, host);
    });
    await installAgents(scene, packages[0]);
    await onAll(scene, (host) => setUpAgent(scene, host));
    // The agent opens it, not the operator.
    await host1.run('install', '-m', '640', '-g', 'etcd', '/srv/packages/etcd.db', '/srv/etcd.db');
    const plan = await planOn(host1, '--file', '/srv/etcd.db');
    expect(plan.decided.snapshot.sha256).toBe(manifest.sha256);
    await host1.run('lifeboat', 'restore', 'run', '--confirm', plan.hash);
    await expectRestored(scene, plan, { contents, oldClusterId });
  });

  test('removing the package leaves etcd and the snapshots', async () => {
    const [, , host3] = scene.hosts;
    const etcdPid = await host3.unit('etcd', 'MainPID');
    const { path } = await host3.json<{ path: string }>('snapshot', 'save');
    await host3.run('dpkg', '-r', 'etcd-lifeboat');
    expect(await host3.unit('etcd', 'MainPID')).toBe(etcdPid);
    expect(await host3.unit('lifeboat', 'ActiveState')).toBe('inactive');
    expect(await host3.run('stat', '--format=%F', path)).toBe('regular file');
    expect(await etcdctl(host3, 'put', 'without', 'agent')).toBe('OK');
  });
});
