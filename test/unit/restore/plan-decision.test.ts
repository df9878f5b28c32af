import { expect, test } from 'vitest';
import type { HostFacts } from '../../../src/formats/host-facts.ts';
import { canonicalSha256 } from '../../../src/formats/canonical-json.ts';
import { decidePlan } from '../../../src/restore/plan-decision.ts';
import type { PlanCircumstances, PlanWish } from '../../../src/restore/plan-wish.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const CLUSTER = '00000000000000aa';
const GIB = 2 ** 30;

function hostFacts(number: number, changes: Partial<HostFacts> = {}): HostFacts {
  return {
    agent: `h${number}`,
    journalId: `00000000-0000-4000-8000-00000000000${number}`,
    release: '0.1.0',
    memberName: `m${number}`,
    peerUrls: [`http://10.0.0.${number}:2380`],
    dataDir: '/var/lib/etcd',
    found: 'stopped',
    tool: { path: '/usr/bin/etcdctl', kind: 'etcdctl', version: '3.4.23' },
    etcdVersion: '3.4.23',
    dataFreeBytes: 10 * GIB,
    snapshotFreeBytes: 10 * GIB,
    sharedFileSystem: true,
    problems: [],
    clusterId: CLUSTER,
    knownMembers: [],
    generations: [],
    snapshots: number === 1 ? [sampleManifest()] : [],
    ...changes,
  };
}

function readable(revision: number, hasQuorum: boolean): Partial<HostFacts> {
  const members = [1, 2, 3, 4].map((number) => ({
    id: `000000000000000${number}`,
    name: `m${number}`,
    peerUrls: [`http://10.0.0.${number}:2380`],
    clientUrls: [`http://10.0.0.${number}:2379`],
  }));
  const memberId = '0000000000000001';
  return {
    found: 'running',
    etcd: { clusterId: CLUSTER, memberId, revision, version: '3.4.23', members, hasQuorum },
  };
}

const wish: PlanWish = {
  snapshot: 'latest',
  ...{ skipHashCheck: false, discardCurrent: false, allowForeign: false, disarmAlarms: false },
  without: [],
};

function circumstances(
  facts: readonly HostFacts[],
  changes: Partial<PlanCircumstances> = {},
): PlanCircumstances {
  return {
    coordinator: 'h1',
    operation: '20261123T150000Z-a1b2c3',
    clusterToken: 'lifeboat-5d41402abc4b2a76',
    nowMs: Date.parse('2026-11-23T15:00:00.000Z'),
    agents: ['h1', 'h2', 'h3'],
    facts,
    silent: [],
    ...changes,
  };
}

const three = [hostFacts(1), hostFacts(2), hostFacts(3)];

test('the hash covers what was decided, in any order of its keys, and not what was measured', () => {
  const plan = decidePlan(wish, circumstances(three));
  // Golden: another hash for the same decision would make every kept plan worthless.
  expect(plan.hash).toMatchInlineSnapshot(
    `"266519e59ee7fd25c7d7b3595d66c65a743c4b702d8964e9baf11221db331944"`,
  );
  const fuller = three.map((host) => ({ ...host, dataFreeBytes: 5 * GIB }));
  expect(decidePlan(wish, circumstances(fuller, { nowMs: 0 })).hash).toBe(plan.hash);
  const otherToken = circumstances(three, { clusterToken: 'lifeboat-0000000000000000' });
  expect(decidePlan(wish, otherToken).hash).not.toBe(plan.hash);
  const reordered = Object.fromEntries(Object.entries(plan.decided).reverse());
  expect(canonicalSha256(reordered)).toBe(plan.hash);
});

test.each<[string, string, Partial<PlanWish>, () => PlanCircumstances]>([
  ['PEER_UNKNOWN', 'a host that is no agent is named dead', { without: ['h9'] }, () => circumstances(three)],
  ['GUARD_HOST_ALIVE', 'a host named dead answers', { without: ['h3'] }, () => circumstances(three)],
  [
    'GUARD_HOSTS_MISSING',
    'a host is silent and nobody swears that it is dead',
    {},
    () => circumstances(three.slice(0, 2), { silent: [{ agent: 'h3', message: 'no link' }] }),
  ],
  [
    'OPERATION_IN_PROGRESS',
    'a host takes part in another operation',
    {},
    () => circumstances([...three.slice(0, 2), hostFacts(3, { activeOperation: '20261123T140000Z-a1b2c3' })]),
  ],
  [
    'GUARD_LAYOUT',
    'a swap would not be possible',
    {},
    () =>
      circumstances([
        ...three.slice(0, 2),
        hostFacts(3, { problems: [{ code: 'GUARD_LAYOUT', message: 'x' }] }),
      ]),
  ],
  [
    'HOLD_UNSUPPORTED',
    'a hold would not hold',
    {},
    () =>
      circumstances([
        ...three.slice(0, 2),
        hostFacts(3, { problems: [{ code: 'HOLD_UNSUPPORTED', message: 'x' }] }),
      ]),
  ],
  [
    'GUARD_LAYOUT',
    'two hosts have one peer URL',
    {},
    () => circumstances([...three.slice(0, 2), hostFacts(3, { peerUrls: ['http://10.0.0.1:2380'] })]),
  ],
  [
    'GUARD_LAYOUT',
    'two hosts have one member name',
    {},
    () => circumstances([...three.slice(0, 2), hostFacts(3, { memberName: 'm1' })]),
  ],
  [
    'GUARD_LAYOUT',
    'two hosts were made from one disk image',
    {},
    () => circumstances([...three.slice(0, 2), hostFacts(3, { journalId: hostFacts(1).journalId })]),
  ],
  [
    'NO_SNAPSHOT',
    'nobody holds one',
    {},
    () => circumstances(three.map((host) => ({ ...host, snapshots: [] }))),
  ],
  ['SNAPSHOT_UNKNOWN', 'nobody holds the one named', { snapshot: { id: 'x' } }, () => circumstances(three)],
  [
    'GUARD_FOREIGN_SNAPSHOT',
    'the one named is of another cluster',
    { snapshot: { id: sampleManifest().id } },
    () => circumstances([hostFacts(1, { snapshots: [sampleManifest({ clusterId: '00000000000000bb' })] })]),
  ],
  [
    'SNAPSHOT_HASH_MISMATCH',
    'the one named failed its proof',
    { snapshot: { id: sampleManifest().id } },
    () => circumstances([hostFacts(1, { snapshots: [sampleManifest({ grade: 'failed' })] })]),
  ],
  [
    'SNAPSHOT_UNPROVED',
    'the one named was never proved',
    { snapshot: { id: sampleManifest().id } },
    () => circumstances([hostFacts(1, { snapshots: [sampleManifest({ grade: 'raw' })] })]),
  ],
  [
    'SNAPSHOT_UNPROVED',
    'the hash check is skipped without a reason',
    { snapshot: { id: sampleManifest().id }, skipHashCheck: true },
    () => circumstances([hostFacts(1, { snapshots: [sampleManifest({ grade: 'raw' })] })]),
  ],
  [
    'GUARD_QUORUM_ALIVE',
    'the cluster works',
    {},
    () => circumstances([hostFacts(1, readable(50, true)), hostFacts(2), hostFacts(3)]),
  ],
  [
    'GUARD_SPACE',
    'a disk is too full',
    {},
    () => circumstances([hostFacts(1), hostFacts(2, { dataFreeBytes: 1000 }), hostFacts(3)]),
  ],
  [
    'RESTORE_TOOL_MISSING',
    'a host has no restore tool',
    {},
    () => {
      const { tool: _none, ...toolless } = hostFacts(3);
      return circumstances([hostFacts(1), hostFacts(2), toolless]);
    },
  ],
])('%s when %s', (code, _when, wished, seen) => {
  expect(() => decidePlan({ ...wish, ...wished }, seen())).toThrow(expect.objectContaining({ code }));
});

test('latest is the best of all hosts: own history before high revisions, proved before unproved', () => {
  const snapshot = (revision: number, changes = {}) =>
    sampleManifest({ id: `20261123T143000Z-h-r${revision}-0a1b2c`, revision, ...changes });
  const facts = [
    hostFacts(1, { snapshots: [snapshot(40), snapshot(90, { grade: 'failed' })] }),
    hostFacts(2, { snapshots: [snapshot(42), snapshot(80, { grade: 'raw' })] }),
    hostFacts(3, { snapshots: [snapshot(42), snapshot(99, { clusterId: '00000000000000bb' })] }),
  ];
  const { decided } = decidePlan(wish, circumstances(facts));
  expect(decided.snapshot.revision).toBe(42);
  expect(decided.holders).toEqual(['h2', 'h3']);
});

test('what an operator discarded does not come back by itself', () => {
  const generations = [
    {
      operation: '20261122T150000Z-a1b2c3',
      clusterId: CLUSTER,
      parentClusterId: '00000000000000bb',
      restoredRevision: 30,
      snapshotId: 'x',
      finishedAt: '2026-11-22T15:00:00.000Z',
    },
  ];
  const parent = { clusterId: '00000000000000bb' };
  const snapshots = [
    sampleManifest({ ...parent, id: '20261123T143000Z-h-r60-0a1b2c', revision: 60 }),
    sampleManifest({ ...parent, id: '20261123T143000Z-h-r30-0a1b2c', revision: 30 }),
  ];
  const plan = decidePlan(wish, circumstances([hostFacts(1, { generations, snapshots })]));
  expect(plan.decided.snapshot.revision).toBe(30);
});

test('the plan says how many revisions will be lost, and what the new cluster tolerates', () => {
  const facts = [hostFacts(1, readable(45, false)), hostFacts(2, readable(51, false)), hostFacts(3)];
  expect(decidePlan(wish, circumstances(facts)).measured).toMatchObject({
    quorum: 'lost',
    newest: { agent: 'h2', revision: 51 },
    lostRevisions: 9,
    faultTolerance: 1,
  });
  const { lostRevisions, warnings } = decidePlan(wish, circumstances(three)).measured;
  expect(lostRevisions).toBeUndefined();
  expect(warnings).toContain('No member can be read, so what will be lost is not known.');
});

test('members that no participant owns must stay silent when their host is sworn dead', () => {
  const facts = [hostFacts(1, readable(50, false)), hostFacts(2)];
  const seen = circumstances(facts, { silent: [{ agent: 'h3', message: 'no link' }] });
  expect(decidePlan({ ...wish, without: ['h3'] }, seen).decided.without).toEqual([
    {
      agent: 'h3',
      urls: [3, 4].flatMap((number) => [2379, 2380].map((port) => `http://10.0.0.${number}:${port}`)),
    },
  ]);
});

test('alarms that a snapshot carries are tolerated or disarmed, as the operator says', () => {
  const alarms = [{ memberId: '0000000000000001', alarm: 'NOSPACE' }];
  const seen = circumstances([hostFacts(1, { snapshots: [sampleManifest({ alarms })] })]);
  const tolerated = decidePlan(wish, seen);
  expect(tolerated.decided.alarms).toEqual({ carried: alarms, action: 'tolerate' });
  expect(tolerated.measured.warnings.join()).toContain('NOSPACE');
  expect(decidePlan({ ...wish, disarmAlarms: true }, seen).decided.alarms.action).toBe('disarm');
});

test('a host that must fetch the snapshot needs the space twice where both share a disk', () => {
  const { measured } = decidePlan(wish, circumstances(three));
  const [holder, fetcher] = measured.hosts;
  const { sizeBytes } = sampleManifest();
  expect((fetcher?.neededBytes ?? 0) - (holder?.neededBytes ?? 0)).toBe(sizeBytes);
});

test('a member that only lost hosts remember must be silent too', () => {
  const members = [1, 2, 3].map((number) => ({
    name: `m${number}`,
    peerUrls: [`http://10.0.0.${number}:2380`],
    clientUrls: [`http://10.0.0.${number}:2379`],
  }));
  const facts = [1, 2].map((number) => hostFacts(number, { found: 'absent', knownMembers: members }));
  const seen = circumstances(facts, { silent: [{ agent: 'h3', message: 'no link' }] });

  const plan = decidePlan({ ...wish, without: ['h3'] }, seen);

  expect(plan.decided.without).toEqual([
    { agent: 'h3', urls: ['http://10.0.0.3:2379', 'http://10.0.0.3:2380'] },
  ]);
});
