import { expect, test } from 'vitest';
import type { HostFacts } from '../../../src/formats/host-facts.ts';
import { decidePlan } from '../../../src/restore/plan-decision.ts';
import { proposeActions } from '../../../src/restore/propose-actions.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const CLUSTER = '00000000000000aa';
const GIB = 2 ** 30;

const members = [1, 2, 3].map((number) => ({
  id: `000000000000000${number}`,
  name: `m${number}`,
  peerUrls: [`http://10.0.0.${number}:2380`],
  clientUrls: [`http://10.0.0.${number}:2379`],
}));

function host(number: number, changes: Partial<HostFacts> = {}): HostFacts {
  return {
    agent: `h${number}`,
    journalId: `00000000-0000-4000-8000-00000000000${number}`,
    release: '0.1.0',
    memberName: `m${number}`,
    peerUrls: [`http://10.0.0.${number}:2380`],
    dataDir: '/var/lib/etcd',
    found: 'stopped',
    tool: { path: '/usr/bin/etcdctl', kind: 'etcdctl', version: '3.4.23' },
    dataFreeBytes: 10 * GIB,
    snapshotFreeBytes: 10 * GIB,
    sharedFileSystem: true,
    problems: [],
    clusterId: CLUSTER,
    knownMembers: members,
    generations: [],
    snapshots: number === 1 ? [sampleManifest()] : [],
    ...changes,
  };
}

function serving(number: number, hasQuorum: boolean, revision = 9000): HostFacts {
  const memberId = `000000000000000${number}`;
  const etcd = { clusterId: CLUSTER, memberId, revision, version: '3.4.23', members, hasQuorum };
  return host(number, { found: 'running', etcd });
}

function lost(number: number): HostFacts {
  const { clusterId: _, ...rest } = host(number, { found: 'absent' });
  return rest;
}

/** Action and hosts of each proposal, in order; with the restore that could be run, where one could. */
function proposed(facts: HostFacts[], silent: string[] = []): string[] {
  const seen = { facts, silent: silent.map((agent) => ({ agent, message: 'no route' })) };
  return proposeActions(seen, planOf(facts)).map(({ action, hosts }) =>
    `${action} ${hosts.join(' ')}`.trim(),
  );
}

function planOf(facts: HostFacts[]) {
  if (facts.some(({ etcd }) => etcd?.hasQuorum === true)) return undefined;
  const wish = {
    ...{ snapshot: 'latest' as const, skipHashCheck: false, discardCurrent: false, allowForeign: false },
    ...{ disarmAlarms: false, without: [] },
  };
  return decidePlan(wish, {
    ...{ coordinator: 'h1', operation: '20261123T150000Z-a1b2c3', clusterToken: 'lifeboat-5d41402abc4b2a76' },
    ...{ nowMs: 0, agents: facts.map(({ agent }) => agent), facts, silent: [] },
  });
}

test('a cluster that works needs nothing', () => {
  expect(proposed([serving(1, true), serving(2, true), serving(3, true)])).toEqual(['nothing']);
});

test('while quorum lives nobody restores: a member that is down is started, one that lost its data is replaced', () => {
  expect(proposed([serving(1, true), serving(2, true), host(3)])).toEqual(['start h3']);
  expect(proposed([serving(1, true), serving(2, true), lost(3)])).toEqual(['rejoin h3']);
  const [replace] = proposeActions(
    { facts: [serving(1, true), serving(2, true), lost(3)], silent: [] },
    undefined,
  );
  expect(replace?.command).toBe('lifeboat member replace m3  # on h3');
  expect(proposed([serving(1, true), serving(2, true)], ['h3'])).toEqual(['start h3']);
});

test('a majority that still has its data is started before anything is restored', () => {
  expect(proposed([host(1), host(2), lost(3)])).toEqual(['start h1 h2', 'restore h1 h2 h3']);
});

test('members that run and do not see each other are looked at first', () => {
  const [first] = proposeActions(
    { facts: [serving(1, false), serving(2, false), lost(3)], silent: [] },
    undefined,
  );
  expect(first).toMatchObject({ action: 'start', hosts: ['h1', 'h2'], command: 'lifeboat doctor --all' });
});

test('a survivor that is ahead of the snapshot is saved before the restore', () => {
  const facts = [serving(1, false, 9000), lost(2), lost(3)];
  expect(proposed(facts)).toEqual(['restore h1 h2 h3', 'restore h1 h2 h3']);
  const [save, restore] = proposeActions({ facts, silent: [] }, planOf(facts));
  expect(save).toMatchObject({ loss: 'only what h1 never received', lostRevisions: 0 });
  expect(restore?.lostRevisions).toBeGreaterThan(0);
});

test('a host that cannot be asked is looked for first where its data would make the quorum', () => {
  expect(proposed([host(1), lost(2)], ['h3'])).toEqual(['start h3', 'restore h1 h2']);
});

test('where nothing is left but the snapshot, that is what is proposed, and what it loses is not known', () => {
  const facts = [lost(1), lost(2), lost(3)].map((each) => ({ ...each, knownMembers: [] }));
  const withSnapshot = facts.map((each, index) => ({
    ...each,
    snapshots: index === 0 ? [sampleManifest()] : [],
  }));
  const [only, ...others] = proposeActions({ facts: withSnapshot, silent: [] }, planOf(withSnapshot));
  expect(others).toEqual([]);
  expect(only).toMatchObject({ action: 'restore', command: expect.stringContaining('--confirm') as string });
  expect(only?.lostRevisions).toBeUndefined();
});
