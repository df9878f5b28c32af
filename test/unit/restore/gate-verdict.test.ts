import { describe, expect, test } from 'vitest';
import type { GateFacts } from '../../../src/formats/restore-messages.ts';
import { expectedIdentity } from '../../../src/restore/expected-identity.ts';
import { judgeGate } from '../../../src/restore/gate-verdict.ts';
import { samplePlan, sampleUndo } from '../../support/control-samples.ts';

const plan = samplePlan().decided;
const { clusterId, memberIds } = expectedIdentity(plan);
const members = plan.hosts.map(({ agent, memberName: name, peerUrls }) => ({
  id: memberIds.get(agent) ?? '',
  name,
  peerUrls,
  clientUrls: [],
}));

function healthy(agent: string, changes: Partial<GateFacts> = {}): GateFacts {
  return {
    agent,
    process: 'running',
    clusterId,
    memberId: memberIds.get(agent) ?? '',
    leaderId: memberIds.get('h1') ?? '',
    revision: 1234,
    members,
    alarms: [],
    linearizableRead: true,
    write: true,
    hashKv: { hash: 42, revision: 1234 },
    keyCount: 1200,
    ...changes,
  };
}

function without(agent: string, field: 'leaderId' | 'write' | 'hashKv'): GateFacts {
  const { [field]: _, ...rest } = healthy(agent);
  return rest;
}

/** The verdict when h2 reports something else than the healthy two. */
function judge(h2: GateFacts | undefined, decided = plan) {
  return judgeGate(
    decided,
    new Map([
      ['h1', healthy('h1')],
      ['h2', h2],
      ['h3', healthy('h3')],
    ]),
  );
}

test('members that agree in everything pass', () => {
  expect(judge(healthy('h2'))).toEqual({
    type: 'passed',
    clusterId,
    revision: 1234,
    hash: 42,
    keyCount: 1200,
  });
});

test('members that are well are compared before they pass', () => {
  expect(judge(without('h2', 'hashKv'))).toEqual({ type: 'compare', revision: 1234 });
  expect(judge(healthy('h2', { hashKv: { hash: 42, revision: 1200 } }))).toMatchObject({ type: 'compare' });
});

describe('what no waiting will mend fails', () => {
  test.each<[string, Partial<GateFacts>, string]>([
    ['an etcd that ended', { process: 'failed', processDetail: 'panic: x' }, 'etcd is failed: panic: x'],
    ['an etcd that is stopped', { process: 'stopped' }, 'etcd is stopped'],
    ['another cluster', { clusterId: '00000000000000bb' }, 'etcd serves cluster 00000000000000bb'],
    ['another member', { memberId: '00000000000000bb' }, 'etcd is member 00000000000000bb'],
    ['an older revision', { revision: 1000 }, 'etcd is at revision 1000, the restore left it at 1234'],
    ['a member too few', { members: members.slice(1) }, 'the member list is'],
    ['another number of keys', { keyCount: 3 }, '3 keys at revision 1234, the snapshot held 1200'],
    ['other contents', { hashKv: { hash: 43, revision: 1234 } }, 'HashKV at revision 1234 differs'],
  ])('%s', (_what, changes, words) => {
    const verdict = judge(healthy('h2', changes));
    expect(verdict).toMatchObject({
      type: 'failed',
      failure: { message: expect.stringContaining(words) as string },
    });
  });

  test('also while another host is silent', () => {
    const facts = new Map([
      ['h1', healthy('h1', { process: 'failed' })],
      ['h2', undefined],
      ['h3', healthy('h3')],
    ]);
    expect(judgeGate(plan, facts)).toMatchObject({ type: 'failed' });
  });
});

describe('what may come right is waited for', () => {
  test.each<[string, GateFacts, string]>([
    ['a start', healthy('h2', { process: 'starting' }), 'etcd is starting'],
    ['a leader', without('h2', 'leaderId'), 'no leader yet'],
    ['a read', healthy('h2', { linearizableRead: false }), 'no linearizable read yet'],
    ['a write', without('h2', 'write'), 'no write went through yet'],
    ['a call', healthy('h2', { problem: { code: 'ETCD_TIMEOUT', message: 'too slow' } }), 'too slow'],
    [
      'an alarm to go',
      healthy('h2', { alarms: [{ memberId: '0000000000000001', alarm: 'NOSPACE' }] }),
      'alarms are not as planned yet',
    ],
  ])('%s', (_what, facts, words) => {
    expect(judge(facts)).toEqual({ type: 'waiting', waitingFor: [`h2: ${words}`], unreachable: false });
  });

  test('one leader for all', () => {
    expect(judge(healthy('h2', { leaderId: memberIds.get('h2') ?? '' }))).toEqual({
      type: 'waiting',
      waitingFor: ['one leader for all'],
      unreachable: false,
    });
  });

  test('a host that is silent, which is no failure', () => {
    expect(judge(undefined)).toEqual({
      type: 'waiting',
      waitingFor: ['h2: the agent does not answer'],
      unreachable: true,
    });
  });
});

test('an alarm that the snapshot carries passes only where the plan tolerates it', () => {
  const alarms = [{ memberId: '0000000000000001', alarm: 'NOSPACE' }];
  const facts = healthy('h2', { alarms });
  expect(judge(facts, { ...plan, alarms: { carried: alarms, action: 'tolerate' } })).toMatchObject({
    type: 'passed',
  });
  expect(judge(facts, { ...plan, alarms: { carried: alarms, action: 'disarm' } })).toMatchObject({
    type: 'waiting',
  });
});

/** The gate of an undo: two hosts swap, the third has nothing to go back to. */
function judgeUndo(h2: Partial<GateFacts>) {
  const { decided } = sampleUndo();
  const [first, second, third] = decided.hosts;
  if (first === undefined || second === undefined || third?.action !== 'swap')
    throw new Error('a plan of three');
  const { memberId: _, revision: __, ...named } = third;
  const hosts = [first, second, { ...named, action: 'vacate', why: 'nothing is there' } as const];
  const { clusterId: back, members: list } = decided.returnsTo;
  const facts = (agent: string, memberId: string): GateFacts => {
    const seen = healthy(agent, {
      clusterId: back,
      memberId,
      members: list.map((one) => ({ ...one, clientUrls: [] })),
    });
    return { ...seen, leaderId: '0000000000000001', revision: 1270, hashKv: { hash: 42, revision: 1270 } };
  };
  const answers = new Map([
    ['h1', facts('h1', '0000000000000001')],
    ['h2', { ...facts('h2', '0000000000000002'), ...h2 }],
  ]);
  return judgeGate({ ...decided, hosts }, answers);
}

test('of an undo the old members are expected, and a host that vacates is not waited for', () => {
  expect(judgeUndo({})).toMatchObject({
    type: 'passed',
    clusterId: sampleUndo().decided.returnsTo.clusterId,
    revision: 1270,
  });
});

test('a member of the old cluster that lags behind catches up, and one that has less than its own database had has lost data', () => {
  expect(judgeUndo({ revision: 1262 })).toEqual({
    type: 'waiting',
    waitingFor: ['h2: at revision 1262, to catch up to 1263'],
    unreachable: false,
  });
  expect(judgeUndo({ revision: 1261 })).toMatchObject({
    type: 'failed',
    failure: { message: 'h2: etcd is at revision 1261, its set-aside database is at 1262' },
  });
});

test('a gate that may ask nobody waits for a person', () => {
  const agents = plan.hosts.map(({ agent }) => agent);
  expect(judgeGate(plan, new Map(), agents)).toMatchObject({ type: 'waiting', unreachable: true });
});
