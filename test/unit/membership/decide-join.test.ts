import { expect, test } from 'vitest';
import type { MemberFacts } from '../../../src/formats/membership.ts';
import { decideJoin, type JoinCircumstances, type JoinWish } from '../../../src/membership/decide-join.ts';
import { initialClusterOf, joinLaunch } from '../../../src/membership/join-launch.ts';

const CLUSTER = 'c'.repeat(16);
const OLD = 'a'.repeat(16);
type Members = NonNullable<MemberFacts['etcd']>['members'];

const id = (number: number): string => String(number).repeat(16);
const member = (number: number, more: Partial<Members[number]> = {}): Members[number] => ({
  id: id(number),
  name: `m${number}`,
  peerUrls: [`http://h${number}:2380`],
  clientUrls: [],
  ...more,
});

function peer(number: number, members: Members, hasQuorum = true): MemberFacts {
  const etcd = {
    clusterId: CLUSTER,
    memberId: id(number),
    version: '3.6.1',
    isLearner: false,
    hasQuorum,
    members,
  };
  return { agent: `h${number}`, etcd };
}

function seen(members: Members, more: Partial<JoinCircumstances> = {}): JoinCircumstances {
  const peers = [1, 2].map((number) => peer(number, members));
  const own = { identity: undefined, standing: undefined, own: undefined };
  return { memberName: 'm3', peerUrls: ['http://h3:2380'], ...own, peers, ...more };
}

const generation = {
  operation: '20261124T000000Z-aaaaaa',
  clusterId: CLUSTER,
  parentClusterId: OLD,
  restoredRevision: 1,
  snapshotId: 's',
  finishedAt: '2026-11-24T00:00:00.000Z',
};
const fenced: Partial<JoinCircumstances> = {
  identity: { clusterId: OLD, memberId: id(3) },
  standing: { kind: 'superseded', by: generation, newest: generation },
};
const two = [member(1), member(2)];

test('a fenced host is added as a learner to the cluster that took the place of its own', () => {
  expect(decideJoin({ kind: 'rejoin' }, seen(two, fenced))).toMatchObject({
    clusterId: CLUSTER,
    remove: [],
    asLearner: true,
    voters: 3,
    through: ['h1', 'h2'],
    replaces: { clusterId: OLD },
  });
});

test('an entry that has the peer URL of this host and never started is taken, one that has a name is removed', () => {
  const waiting = member(4, { name: '', peerUrls: ['http://h3:2380'], isLearner: true });
  const taken = decideJoin({ kind: 'rejoin' }, seen([...two, waiting], fenced));
  expect(taken).toMatchObject({ reuse: id(4), remove: [], asLearner: true, voters: 3 });
  expect(decideJoin({ kind: 'rejoin' }, seen([...two, member(3)]))).toMatchObject({
    remove: [{ id: id(3) }],
    voters: 3,
  });
});

test('beside another learner a voting member is added only where the cluster can bear it', () => {
  const learner = member(5, { isLearner: true });
  expect(decideJoin({ kind: 'rejoin' }, seen([...two, learner], fenced)).asLearner).toBe(false);
  const oneHealthy = { ...fenced, peers: [peer(1, [...two, learner])] };
  expect(() => decideJoin({ kind: 'rejoin' }, seen([...two, learner], oneHealthy))).toThrow(
    expect.objectContaining({ code: 'MEMBER_NO_ROOM' }),
  );
});

test.each<[string, string, JoinWish, JoinCircumstances]>([
  ['MEMBER_NO_QUORUM', 'no peer serves', { kind: 'rejoin' }, seen(two, { ...fenced, peers: [] })],
  ['MEMBER_NO_QUORUM', 'no peer has quorum', { kind: 'rejoin' }, seen(two, { peers: [peer(1, two, false)] })],
  [
    'MEMBER_CURRENT',
    'its own member is listed',
    { kind: 'rejoin' },
    seen([...two, member(3)], { identity: { clusterId: CLUSTER, memberId: id(3) } }),
  ],
  [
    'MEMBER_CURRENT',
    'its data is of an unrelated cluster',
    { kind: 'rejoin' },
    seen(two, { identity: { clusterId: OLD, memberId: id(3) } }),
  ],
  [
    'MEMBER_ALIVE',
    'etcd serves here',
    { kind: 'replace', name: 'm3' },
    seen([...two, member(3)], { own: peer(3, two).etcd }),
  ],
  ['MEMBER_ALIVE', 'who is to be replaced answers', { kind: 'replace', name: 'm2' }, seen(two)],
  ['MEMBER_UNKNOWN', 'nobody has that name', { kind: 'replace', name: 'm9' }, seen(two)],
  [
    'MEMBER_FORK',
    'there is a fork',
    { kind: 'rejoin' },
    seen(two, { standing: { kind: 'fork', generations: [generation] } }),
  ],
])('%s refuses where %s', (code, _why, wish, circumstances) => {
  expect(() => decideJoin(wish, circumstances)).toThrow(expect.objectContaining({ code }));
});

test('a lost member is replaced by a host of other URLs: its entry goes, the host is added', () => {
  const decided = decideJoin({ kind: 'replace', name: 'm4' }, seen([...two, member(4)]));
  expect(decided).toMatchObject({ remove: [{ id: id(4), name: 'm4' }], voters: 3, asLearner: true });
});

test('etcd is started to join as it is always started, but for how it finds its cluster', () => {
  const argv = [
    '/usr/bin/etcd',
    '--name',
    'm3',
    '--initial-cluster',
    'old',
    '-initial-cluster-state=new',
    '--force-new-cluster',
  ];
  const environment = { ETCD_DATA_DIR: '/data', ETCD_INITIAL_CLUSTER: 'old', ETCD_DISCOVERY: 'x' };
  const launch = joinLaunch({ argv, environment, workingDirectory: '/' }, 'm1=u1,m3=u3', '/state/join.json');
  expect(launch.argv).toEqual([
    '/usr/bin/etcd',
    '--name=m3',
    '--initial-cluster=m1=u1,m3=u3',
    '--initial-cluster-state=existing',
  ]);
  expect(launch.environment).toMatchObject({
    ETCD_DATA_DIR: '/data',
    ETCD_INITIAL_CLUSTER: undefined,
    ETCD_DISCOVERY: undefined,
  });
});

test('of a configuration file everything is kept that does not tell how the cluster begins', () => {
  const configFile = {
    name: 'm3',
    'initial-cluster': 'old',
    'initial-cluster-state': 'new',
    'peer-transport-security': { 'cert-file': 'c' },
  };
  const argv = ['etcd', '--config-file', '/etc/etcd.yaml'];
  const launch = joinLaunch(
    { argv, environment: {}, workingDirectory: '/', configFile },
    'm3=u3',
    '/state/join.json',
  );
  expect(launch.argv).toEqual(['etcd', '--config-file=/state/join.json']);
  expect(JSON.parse(launch.configFile ?? '')).toEqual({
    name: 'm3',
    'peer-transport-security': { 'cert-file': 'c' },
    'initial-cluster': 'm3=u3',
    'initial-cluster-state': 'existing',
  });
});

test('members without a name, or with that of this host, go by their ID', () => {
  const members = [member(1, { name: '' }), member(2, { name: 'm3' }), member(3, { name: '' })];
  expect(initialClusterOf(members, { memberId: id(3), name: 'm3' })).toBe(
    `${id(1)}=http://h1:2380,${id(2)}=http://h2:2380,m3=http://h3:2380`,
  );
});
