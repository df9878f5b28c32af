import type { AgentStatus } from '../../src/formats/control.ts';
import type { OperationView } from '../../src/formats/operation-view.ts';
import type { RestorePlan, UndoPlan } from '../../src/formats/restore-plan.ts';
import type { SnapshotManifest } from '../../src/formats/snapshot-manifest.ts';

// What an agent of a three-host cluster could answer. Each function gives a fresh value with what the test changes.

export const OPERATION = '20261123T150000Z-a1b2c3';
export const PLAN_HASH = '3f2a91c4'.padEnd(64, '0');
const CLUSTER = 'cdf818194e3a8c32';

export function sampleManifest(changes: Partial<SnapshotManifest> = {}): SnapshotManifest {
  return {
    version: 1,
    id: '20261123T143000Z-h1-r1234-abc123',
    kind: 'streamed',
    hasTrailer: true,
    grade: 'hashed',
    proofs: [{ grade: 'hashed', at: '2026-11-23T14:30:01.000Z' }],
    sha256: 'ab'.repeat(32),
    sizeBytes: 26_214_432,
    revision: 1234,
    keyCount: 1200,
    alarms: [],
    clusterId: CLUSTER,
    takenAt: '2026-11-23T14:30:00.000Z',
    durationMs: 840,
    agent: 'h1',
    method: 'stream',
    trigger: 'schedule',
    ...changes,
  };
}

function sampleHost(agent: string, number: number): RestorePlan['decided']['hosts'][number] {
  return {
    agent,
    journalId: `00000000-0000-4000-8000-00000000000${number}`,
    memberName: `m${number}`,
    peerUrls: [`https://10.0.0.${number}:2380`],
    dataDir: '/var/lib/etcd',
    found: 'running',
    toolPath: '/usr/bin/etcdctl',
    toolVersion: '3.4.23',
    etcdVersion: '3.4.23',
  };
}

interface PlanChanges {
  readonly decided?: Partial<RestorePlan['decided']>;
  readonly measured?: Partial<RestorePlan['measured']>;
}

export function samplePlan(changes: PlanChanges = {}): RestorePlan {
  const { id, sha256, sizeBytes, revision, keyCount, takenAt } = sampleManifest();
  return {
    version: 1,
    hash: PLAN_HASH,
    decided: {
      operation: OPERATION,
      coordinator: 'h1',
      clusterToken: 'lifeboat-5d41402abc4b2a76',
      snapshot: {
        ...{ id, sha256, sizeBytes, revision, takenAt, keyCount: keyCount ?? 0 },
        ...{ hasTrailer: true, grade: 'hashed', takenBy: 'h1', clusterId: CLUSTER },
      },
      holders: ['h1', 'h2'],
      ...{ skipHashCheck: false, discardCurrent: false, allowForeign: false, without: [] },
      alarms: { carried: [], action: 'none' },
      supersedes: { clusterId: CLUSTER },
      hosts: [sampleHost('h1', 1), sampleHost('h2', 2), sampleHost('h3', 3)],
      ...changes.decided,
    },
    measured: {
      at: '2026-11-23T15:00:00.000Z',
      quorum: 'lost',
      newest: { agent: 'h3', revision: 1263 },
      lostRevisions: 29,
      faultTolerance: 1,
      warnings: [],
      hosts: ['h1', 'h2', 'h3'].map((agent, index) => ({
        agent,
        freeBytes: 10 * 2 ** 30,
        neededBytes: 80 * 2 ** 20,
        holdsSnapshot: agent !== 'h3',
        revision: 1261 + index,
      })),
      ...changes.measured,
    },
  };
}

/** Of an undo of `OPERATION`, as the same three hosts would do it. */
export function sampleUndo(changes: Partial<UndoPlan['decided']> = {}): UndoPlan {
  const { hosts, ...restored } = samplePlan().decided;
  const members = hosts.map(({ memberName, peerUrls }, index) => ({
    ...{ id: `000000000000000${index + 1}`, name: memberName, peerUrls },
  }));
  return {
    version: 1,
    hash: PLAN_HASH,
    decided: {
      operation: '20261123T160000Z-d4e5f6',
      coordinator: 'h1',
      undoes: {
        ...{ operation: OPERATION, clusterId: '7a6b5c4d3e2f1a0b', parentClusterId: CLUSTER },
        ...{ restoredRevision: 1234, snapshotId: restored.snapshot.id },
        finishedAt: '2026-11-23T15:01:41.000Z',
      },
      returnsTo: { clusterId: CLUSTER, revision: 1263, members },
      ...{ without: [], strangerUrls: [], alarms: { carried: [], action: 'none' } },
      supersedes: { clusterId: '7a6b5c4d3e2f1a0b' },
      hosts: hosts.map(({ toolPath: _, toolVersion: __, ...host }, index) => ({
        ...host,
        ...{ action: 'swap', memberId: members[index]?.id ?? '', revision: 1261 + index },
      })),
      ...changes,
    },
    measured: {
      ...{ at: '2026-11-23T16:00:00.000Z', quorum: 'alive', faultTolerance: 1, warnings: [] },
      ...{ newest: { agent: 'h1', revision: 1240 }, lostRevisions: 6 },
      hosts: hosts.map(({ agent }) => ({ agent, freeBytes: 10 * 2 ** 30, neededBytes: 0, revision: 1240 })),
    },
  };
}

export function sampleView(changes: Partial<OperationView> = {}): OperationView {
  const { id, revision, sizeBytes } = sampleManifest();
  return {
    operation: OPERATION,
    role: 'coordinator',
    coordinator: 'h1',
    planHash: PLAN_HASH,
    phase: 'preparing',
    startedAt: '2026-11-23T15:01:00.000Z',
    snapshot: { id, revision, sizeBytes },
    lostRevisions: 29,
    hosts: ['h1', 'h2', 'h3'].map((agent) => ({ agent, phase: 'preparing', reachable: true })),
    gate: [],
    next: [],
    ...changes,
  };
}

/** The same operation when it went through. */
export function finishedView(changes: Partial<OperationView> = {}): OperationView {
  return sampleView({
    phase: 'finished',
    endedAt: '2026-11-23T15:01:41.000Z',
    first: 'commit',
    second: 'accepted',
    hosts: ['h1', 'h2', 'h3'].map((agent) => ({
      agent,
      phase: 'finished',
      reachable: true,
      setAside: [`/var/lib/etcd/member.before-${OPERATION}`],
    })),
    downtimeMs: 8_400,
    result: { clusterId: '7a6b5c4d3e2f1a0b', revision: 1234, hashKv: 2_907_411_332, keyCount: 1200 },
    ...changes,
  });
}

export function sampleStatus(changes: Partial<AgentStatus> = {}): AgentStatus {
  return {
    agent: 'h1',
    release: '0.1.0',
    pid: 4711,
    startedAt: '2026-11-23T12:00:00.000Z',
    configFile: '/etc/etcd-lifeboat/config.yaml',
    etcd: {
      ...{ process: 'running', pid: 4712, supervisor: 'systemd', endpoint: 'https://127.0.0.1:2379' },
      ...{ dataDir: '/var/lib/etcd', clusterId: CLUSTER, memberId: '8e9e05c52164694d' },
      ...{ leaderId: '8e9e05c52164694d', hasQuorum: true, revision: 1263, version: '3.4.23' },
      dbSizeBytes: 26_214_400,
    },
    snapshots: {
      directory: '/var/lib/etcd-lifeboat/snapshots',
      count: 12,
      totalBytes: 314_572_800,
      newestProved: sampleManifest(),
    },
    schedule: {
      ...{ cron: '*/30 * * * *', timeZone: 'UTC', next: '2026-11-23T15:30:00.000Z' },
      ...{ running: false, dropped: 0, missed: 1 },
      last: { endedAt: '2026-11-23T14:30:01.000Z', outcome: 'saved' },
    },
    peers: [
      { name: 'h2', state: 'connected', since: '2026-11-23T12:00:01.000Z', release: '0.1.0' },
      {
        ...{ name: 'h3', state: 'connecting', since: '2026-11-23T14:59:00.000Z' },
        lastError: 'connect ECONNREFUSED 10.0.0.3:7400',
      },
    ],
    operations: [],
    ...changes,
  };
}
