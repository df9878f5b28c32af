import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { METRICS } from '../../src/observe/metric-definitions.ts';
import { lineOf } from '../../src/restore/journal-lines.ts';
import { makeCertificates } from '../support/certificates.ts';
import { freeze } from '../support/freeze-process.ts';
import type { LabHost, LabOptions } from '../support/lab-cluster.ts';
import { HAS_PROMTOOL, promtool } from '../support/promtool.ts';
import { scrape } from '../support/scrape.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import {
  loseMembers,
  openHealthyScene,
  openScene,
  PATIENT,
  putKeys,
  save,
  type Scene,
} from './restore-scene.ts';

const NEVER_DUE = '0 0 1 1 *';
const EVERY_SECOND = '* * * * * *';
/** Prometheus gives up after this time, unless told otherwise. */
const SCRAPE_TIMEOUT_MS = 10_000;

function scheduled(cron: string): NonNullable<LabOptions['configure']> {
  return (config) => ({ ...config, snapshots: { schedule: { cron, jitterSeconds: 0 } } });
}

async function value(
  host: LabHost,
  name: string,
  labels: Record<string, string> = {},
): Promise<number | undefined> {
  return (await scrape(host.monitoringUrl)).value(`etcd_lifeboat_${name}`, labels);
}

async function readyz(host: LabHost): Promise<[number, string]> {
  const response = await fetch(`${host.monitoringUrl}/readyz`);
  return [response.status, await response.text()];
}

test('an agent exports every metric that is documented, in the form that Prometheus wants', async () => {
  await using pki = await temporaryDirectory();
  const { caFile, certs } = await makeCertificates(pki.path, ['h1']);
  const tls = certs['h1'] ?? { certFile: '', keyFile: '' };
  await using scene = await openHealthyScene({
    hosts: 2,
    started: 1,
    clientTls: { caFile, ...tls },
    ...soleMember(),
  });
  const host = scene.lab.host(0);
  await expect.poll(() => value(host, 'schedule_last_run_duration_seconds'), PATIENT).toBeDefined();
  // The first run may have come before etcd answered.
  await expect.poll(() => value(host, 'newest_proved_snapshot_revision'), PATIENT).toBeDefined();
  // One of the scheduled drills boots it.
  await expect.poll(() => value(host, 'drill_runs_total', { outcome: 'done' }), PATIENT).toBe(1);
  const running = await scrape(host.monitoringUrl);
  // A restore that nobody can read back is stuck, and binds the host.
  await scene.lab.stopAgent(host, 'SIGTERM');
  await writeUnreadableOperation(host);
  await scene.lab.startAgent(host);
  await expect.poll(() => value(host, 'etcd_up'), PATIENT).toBe(1);
  const stuck = await scrape(host.monitoringUrl);

  const exported = new Set([...running.samples, ...stuck.samples].map(({ name }) => name));
  expect([...exported].toSorted()).toEqual(Object.keys(METRICS).toSorted());
  expect(stuck.value('etcd_lifeboat_operation_phase', { phase: 'stuck' })).toBe(1);
  expect(running.value('etcd_lifeboat_peer_connected', { peer: 'h2' })).toBe(0);
  expect(running.text).not.toContain('NaN');
  await expectLinted(stuck.text);
});

async function expectLinted(page: string): Promise<void> {
  if (!HAS_PROMTOOL) return;
  const { exitCode, output } = await promtool(['check', 'metrics'], page);
  expect(output).toBe('');
  expect(exitCode).toBe(0);
}

/** The second host is a peer of the agent only, so that the first one's member has quorum by itself. */
function soleMember(): Pick<LabOptions, 'configure'> {
  return {
    configure: (config, host) => {
      const command = (config['supervisor']?.['command'] ?? []) as string[];
      return {
        ...scheduled(EVERY_SECOND)(config, host),
        drill: { schedule: { cron: EVERY_SECOND, jitterSeconds: 0 } },
        supervisor: {
          ...config['supervisor'],
          command: command.map((word) => (word.startsWith('h1=') ? `${host.name}=${host.peerUrl}` : word)),
        },
      };
    },
  };
}

async function writeUnreadableOperation({ directory }: LabHost): Promise<void> {
  const operation = join(directory, 'state', 'operations', '20261123T155353Z-dcacb3');
  await mkdir(operation, { recursive: true });
  const entries = [{ type: 'of a newer release' }] as unknown as Parameters<typeof lineOf>[0];
  await writeFile(join(operation, 'journal'), lineOf(entries));
}

test('a member that hangs costs a scrape little, and a member that is gone is seen', async () => {
  await using scene = await openHealthyScene({ hosts: 1, configure: scheduled(NEVER_DUE) });
  const host = scene.lab.host(0);
  const pid = await scene.lab.etcdPid(host);
  await expect.poll(() => value(host, 'etcd_has_quorum'), PATIENT).toBe(1);
  expect(await value(host, 'etcd_is_leader')).toBe(1);

  await freeze(pid);
  try {
    await expect.poll(() => value(host, 'etcd_up'), PATIENT).toBe(0);
    const hanging = await fetch(`${host.monitoringUrl}/metrics`, {
      signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS),
    });
    expect(await hanging.text()).toContain('\netcd_lifeboat_etcd_process_running 1\n');
    expect((await fetch(`${host.monitoringUrl}/healthz`)).status).toBe(200);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await expect.poll(() => value(host, 'etcd_up'), PATIENT).toBe(1);

  await loseMembers(scene, [host]);
  await expect.poll(() => value(host, 'etcd_process_running'), PATIENT).toBe(0);
  const gone = await scrape(host.monitoringUrl);
  expect(gone.value('etcd_lifeboat_etcd_up')).toBe(0);
  expect(gone.value('etcd_lifeboat_etcd_has_quorum')).toBe(0);
  expect(gone.value('etcd_lifeboat_etcd_revision')).toBeUndefined();
});

test('a snapshot makes the host ready and moves its timestamps, and a peer that goes makes it unready', async () => {
  await using scene = await openHealthyScene({ hosts: 2, configure: scheduled(NEVER_DUE) });
  const [host, peer] = [scene.lab.host(0), scene.lab.host(1)];
  await expect.poll(() => value(host, 'peer_connected', { peer: peer.name }), PATIENT).toBe(1);
  expect(await readyz(host)).toEqual([503, expect.stringContaining('[-]snapshot: this host has no proved')]);

  const first = await save(scene, host);
  await expect
    .poll(() => value(host, 'newest_proved_snapshot_timestamp_seconds'), PATIENT)
    .toBe(Date.parse(first.takenAt) / 1000);
  expect(await readyz(host)).toEqual([200, 'ok\n']);
  await putKeys(host, 100);
  const second = await save(scene, host);
  await expect.poll(() => value(host, 'newest_proved_snapshot_revision'), PATIENT).toBe(second.revision);
  expect(await value(host, 'newest_proved_snapshot_size_bytes')).toBe(second.sizeBytes);
  expect(await value(host, 'snapshots', { grade: 'hashed' })).toBe(2);

  await scene.lab.stopAgent(peer, 'SIGTERM');
  await expect.poll(() => value(host, 'peer_connected', { peer: peer.name }), PATIENT).toBe(0);
  expect(await readyz(host)).toEqual([503, expect.stringContaining(`[-]peers: no link to ${peer.name}`)]);
  expect((await scene.lab.cli(host, 'status')).stdout).toMatch(/restore +NOT READY\n +peers +no link to h2/);
});

test('what was counted before a restart of the agent is counted after it', async () => {
  await using scene = await openHealthyScene({ hosts: 1, configure: scheduled(EVERY_SECOND) });
  const host = scene.lab.host(0);
  const skipped = (): Promise<number | undefined> =>
    value(host, 'schedule_runs_total', { outcome: 'skipped' });
  await expect.poll(skipped, PATIENT).toBeGreaterThan(1);
  await expect.poll(() => value(host, 'schedule_runs_total', { outcome: 'done' }), PATIENT).toBe(1);
  const before = (await skipped()) ?? 0;
  await stopWhileNothingIsDue(scene, host);

  await scene.lab.startAgent(host);

  expect(await skipped()).toBeGreaterThanOrEqual(before);
  expect(await value(host, 'schedule_runs_total', { outcome: 'done' })).toBe(1);
  // The run that fell due while no agent ran.
  expect(await value(host, 'schedule_runs_missed_total')).toBeGreaterThan(0);
});

async function stopWhileNothingIsDue({ lab }: Scene, host: LabHost): Promise<void> {
  const { schedule } = await lab.ask(host, 'status', {});
  await lab.stopAgent(host, 'SIGTERM');
  const due = Date.parse(schedule?.next ?? '') + 1000;
  await expect.poll(() => Date.now() > due, PATIENT).toBe(true);
}

test('an agent whose monitoring port is taken works, says so, and takes the port when it is free', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await using scene = await openScene({
    hosts: 1,
    configure: (config) => ({ ...config, monitoring: { listen: `127.0.0.1:${port}` } }),
  });
  const { lab } = scene;
  const host = lab.host(0);
  await lab.untilHealthy();

  const { monitoring } = await lab.ask(host, 'status', {});
  expect(monitoring?.problem).toContain('EADDRINUSE');
  expect((await lab.cli(host, 'status')).stdout).toContain(`NOT SERVED: monitoring: 127.0.0.1:${port}`);
  expect(await lab.agentLog(host)).toContain('MONITORING_UNAVAILABLE');
  await save(scene, host);

  other.close();
  await once(other, 'close');
  await expect
    .poll(async () => (await lab.ask(host, 'status', {})).monitoring?.problem, PATIENT)
    .toBeUndefined();
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
});

test('an agent that is told to serve nothing listens on no port for it', async () => {
  await using scene = await openScene({
    hosts: 1,
    configure: (config) => ({ ...config, monitoring: { ...config['monitoring'], enabled: false } }),
  });
  const host = scene.lab.host(0);
  await expect(fetch(`${host.monitoringUrl}/healthz`)).rejects.toThrow('fetch failed');
  expect((await scene.lab.ask(host, 'status', {})).monitoring).toBeUndefined();
});
