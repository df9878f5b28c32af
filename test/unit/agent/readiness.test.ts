import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { checkReadiness, type ReadinessFacts } from '../../../src/agent/readiness.ts';
import { sampleManifest, sampleStatus } from '../../support/control-samples.ts';

const NOW_MS = Date.parse('2026-11-23T15:00:00.000Z');
const MESH = { certificate: 'mesh', path: '/pki/h1.pem' } as const;
const ALL = [
  'state',
  'etcd',
  'supervisor',
  'tool',
  'peers',
  'operation',
  'fence',
  'snapshot',
  'certificates',
];

function facts(changes: Partial<ReadinessFacts> = {}): ReadinessFacts {
  return {
    nowMs: NOW_MS,
    status: statusWith({ takenAt: '2026-11-23T14:30:00.000Z' }),
    clusterId: 'cdf818194e3a8c32',
    boundBy: undefined,
    staleAfterSeconds: 3600,
    certificates: [{ ...MESH, expiresAtMs: NOW_MS + 1 }],
    proveStateWritable: () => Promise.resolve(),
    checkSupervisor: () => Promise.resolve(),
    findTool: () => Promise.resolve('/usr/bin/etcdutl 3.5.35 for etcd 3.5.35'),
    ...changes,
  };
}

function statusWith(
  newest: Parameters<typeof sampleManifest>[0],
  memberRevision = 2000,
): ReadinessFacts['status'] {
  const { etcd, peers, snapshots } = sampleStatus();
  return {
    etcd: { ...etcd, revision: memberRevision },
    peers: peers.map((peer) => ({ ...peer, state: 'connected' })),
    snapshots: { ...snapshots, newestProved: sampleManifest(newest) },
  };
}

async function failed(changes: Partial<ReadinessFacts>): Promise<string[]> {
  const checks = await checkReadiness(facts(changes));
  expect(checks.map(({ check }) => check)).toEqual(ALL);
  return checks.filter(({ passed }) => !passed).map(({ check, message }) => `${check}: ${message}`);
}

test('a host with everything in place is ready', async () => {
  expect(await failed({})).toEqual([]);
});

test('a member that is down leaves its host ready: a restore is for that', async () => {
  const status = facts().status;
  const { revision: _revision, ...etcd } = status.etcd;
  expect(
    await failed({ status: { ...status, etcd: { ...etcd, hasQuorum: false, process: 'failed' } } }),
  ).toEqual([]);
});

test.each<[string, Partial<ReadinessFacts>, string]>([
  ['a member that was never seen', { clusterId: undefined }, 'etcd: the member was never seen'],
  [
    'a restore under way',
    { boundBy: '20261123T155353Z-dcacb3' },
    'operation: restore 20261123T155353Z-dcacb3 binds',
  ],
  [
    'a full disk',
    { proveStateWritable: () => Promise.reject(new Error('ENOSPC: no space left on device')) },
    'state: ENOSPC',
  ],
  [
    'a unit without the drop-in',
    {
      checkSupervisor: () =>
        Promise.reject(new AgentError('HOLD_UNSUPPORTED', 'etcd.service has no\ndrop-in')),
    },
    'supervisor: etcd.service has no drop-in',
  ],
  [
    'no restore tool',
    { findTool: () => Promise.reject(new AgentError('RESTORE_TOOL_MISSING', 'neither was found')) },
    'tool: neither was found',
  ],
  [
    'a certificate that expired',
    { certificates: [{ ...MESH, expiresAtMs: NOW_MS }] },
    'certificates: /pki/h1.pem expired on 2026-11-23',
  ],
  [
    'a certificate that cannot be read',
    { certificates: [{ ...MESH, problem: 'EACCES' }] },
    'certificates: /pki/h1.pem: EACCES',
  ],
  [
    'a stale snapshot',
    { status: statusWith({ takenAt: '2026-11-23T13:59:59.000Z' }) },
    'snapshot: the newest proved one is',
  ],
])('%s makes the host unready, and nothing else does', async (_, changes, words) => {
  const found = await failed(changes);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(words);
});

test('an old snapshot is not stale while the member has the same revision', async () => {
  const old = { takenAt: '2026-11-20T00:00:00.000Z', revision: 77 };
  expect(await failed({ status: statusWith(old, 77) })).toEqual([]);
  expect(await failed({ status: statusWith(old, 78) })).toHaveLength(1);
});

test('no snapshot is missed where none is to be taken', async () => {
  const { newestProved: _none, ...snapshots } = facts().status.snapshots;
  const status = { ...facts().status, snapshots };
  expect(await failed({ status })).toEqual(['snapshot: this host has no proved snapshot']);
  expect(await failed({ status, staleAfterSeconds: undefined })).toEqual([]);
});

test('a peer without a link is named', async () => {
  const status = facts().status;
  const peers = status.peers.map((peer, index) => ({ ...peer, state: index === 0 ? 'refused' : peer.state }));
  expect(await failed({ status: { ...status, peers } })).toEqual([
    `peers: no link to ${peers[0]?.name ?? ''}`,
  ]);
});

test('a member that a restore superseded is named with the command that makes it one of the cluster again', async () => {
  const fence = {
    state: 'superseded' as const,
    operations: ['20261123T155353Z-dcacb3'],
    clusterId: 'cdf818194e3a8c32',
    newClusterId: '582f23646e5bb549',
    next: ['lifeboat member rejoin'],
  };
  expect(await failed({ status: { ...facts().status, fence } })).toEqual([
    'fence: the member is fenced: restore 20261123T155353Z-dcacb3 superseded its cluster cdf818194e3a8c32 by cluster 582f23646e5bb549. Next: lifeboat member rejoin',
  ]);
});

test('a fork is reported with the restores that made it', async () => {
  const fence = { state: 'fork' as const, operations: ['one', 'two'], next: [] };
  expect(await failed({ status: { ...facts().status, fence } })).toEqual([
    'fence: restores one and two began at one cluster: a person must say which of them counts',
  ]);
});
