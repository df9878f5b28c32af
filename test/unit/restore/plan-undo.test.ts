import { describe, expect, test } from 'vitest';
import type { Generation } from '../../../src/formats/generation.ts';
import type { HostFacts, SetAsideFacts } from '../../../src/formats/host-facts.ts';
import { canonicalSha256 } from '../../../src/formats/canonical-json.ts';
import type { CallHost } from '../../../src/restore/call-host.ts';
import { recheckGuards } from '../../../src/restore/recheck-guards.ts';
import { decideUndo, type UndoCircumstances } from '../../../src/restore/plan-undo.ts';

const [OLD, PRESENT, OTHER] = ['00000000000000aa', '00000000000000bb', '00000000000000cc'];
const RESTORE = '20261123T150000Z-a1b2c3';
const UNDO = '20261123T160000Z-d4e5f6';
const BEGAN_AT = 1_000_000_050;

const restore: Generation = {
  ...{ operation: RESTORE, clusterId: PRESENT, parentClusterId: OLD },
  ...{ restoredRevision: 50, revisionBump: 1_000_000_000, snapshotId: 'x' },
  finishedAt: '2026-11-23T15:01:00.000Z',
};

function memberOf(number: number, prefix: string) {
  const peerUrls = [`http://10.0.0.${number}:2380`];
  const clientUrls = [`http://10.0.0.${number}:2379`];
  return { id: `${prefix.repeat(15)}${number}`, name: `m${number}`, peerUrls, clientUrls };
}

function hostFacts(number: number, changes: Partial<HostFacts> = {}): HostFacts {
  const { id, name, peerUrls } = memberOf(number, 'b');
  const members = [1, 2, 3].map((each) => memberOf(each, 'b'));
  return {
    ...{ agent: `h${number}`, journalId: `00000000-0000-4000-8000-00000000000${number}`, release: '0.1.0' },
    ...{ memberName: name, peerUrls, dataDir: '/var/lib/etcd', found: 'running', etcdVersion: '3.6.16' },
    etcd: {
      ...{ clusterId: PRESENT, memberId: id, version: '3.6.16', members, hasQuorum: true },
      revision: BEGAN_AT + number,
    },
    ...{ dataFreeBytes: 1, snapshotFreeBytes: 1, sharedFileSystem: true, problems: [] },
    ...{ clusterId: PRESENT, memberId: id, knownMembers: [], generations: [restore], snapshots: [] },
    ...changes,
  };
}

function aside(number: number, changes: Partial<NonNullable<SetAsideFacts['data']>> = {}): SetAsideFacts {
  return {
    agent: `h${number}`,
    path: `/var/lib/etcd/member.before-${RESTORE}`,
    data: {
      ...{ clusterId: OLD, memberId: memberOf(number, 'a').id, revision: 60 + number, alarms: [] },
      members: [1, 2, 3].map((each) => memberOf(each, 'a')),
      ...changes,
    },
  };
}

function gone(number: number): SetAsideFacts {
  const path = `/var/lib/etcd/member.before-${RESTORE}`;
  return { agent: `h${number}`, path, problem: `${path} is not there` };
}

const three = [hostFacts(1), hostFacts(2), hostFacts(3)];
const all = [aside(1), aside(2), aside(3)];

function undo(
  facts: readonly HostFacts[],
  setAside: readonly SetAsideFacts[],
  { operation = RESTORE, ...changes }: Partial<UndoCircumstances> & { without?: readonly string[] } = {},
) {
  const { without = [], ...more } = changes;
  return decideUndo(
    { operation, without },
    {
      ...{ coordinator: 'h1', operation: UNDO, nowMs: Date.parse('2026-11-23T16:00:00Z') },
      ...{ agents: ['h1', 'h2', 'h3'], facts, silent: [], setAside },
      ...more,
    },
  );
}

test('the plan says which cluster is gone back to, by whose data, and what is lost', () => {
  const { hash, decided, measured } = undo(three, all);
  expect(hash).toBe(canonicalSha256(decided));
  expect(decided).toMatchObject({
    ...{ operation: UNDO, undoes: { operation: RESTORE }, supersedes: { clusterId: PRESENT } },
    returnsTo: { clusterId: OLD, revision: 63 },
    ...{ without: [], strangerUrls: [], alarms: { action: 'none' } },
  });
  expect(decided.returnsTo.members.map(({ id }) => id)).toEqual(
    [1, 2, 3].map((each) => memberOf(each, 'a').id),
  );
  expect(decided.hosts.map((host) => host.action === 'swap' && [host.memberId, host.revision])).toEqual(
    [1, 2, 3].map((each) => [memberOf(each, 'a').id, 60 + each]),
  );
  expect(measured).toMatchObject({ quorum: 'alive', lostRevisions: 3, faultTolerance: 1 });
  expect(measured.warnings).toEqual([
    'Revisions go back from 1,000,000,053 to 63, and an undo cannot raise them. Clients with watches and caches must be restarted after it.',
  ]);
});

test('a host that had no data of the old cluster vacates, one that missed the restore keeps its data', () => {
  const { etcd: _, ...down } = hostFacts(3, {
    found: 'stopped',
    clusterId: OLD,
    memberId: memberOf(3, 'a').id,
  });
  const kept = undo([hostFacts(1), hostFacts(2), down], [aside(1), aside(2), gone(3)]);
  expect(kept.decided.hosts.map(({ action }) => action)).toEqual(['swap', 'swap', 'keep']);
  const vacated = undo(three, [aside(1), aside(2), gone(3)]);
  expect(vacated.decided.hosts.map(({ action }) => action)).toEqual(['swap', 'swap', 'vacate']);
  expect(vacated.measured.faultTolerance).toBe(0);
  expect(vacated.measured.warnings.at(-1)).toContain('`lifeboat member rejoin` there');
});

test.each([
  ['a removed member', { memberId: 'a'.repeat(16) }, 'which the cluster had removed'],
  [
    'a learner',
    { members: [memberOf(1, 'a'), memberOf(2, 'a'), { ...memberOf(3, 'a'), isLearner: true }] },
    'is a learner',
  ],
  [
    'a member at another URL',
    {
      members: [memberOf(1, 'a'), memberOf(2, 'a'), { ...memberOf(3, 'a'), peerUrls: ['http://10.9.9.9:1'] }],
    },
    'has the peer URLs http://10.9.9.9:1',
  ],
])('data of %s does not serve', (_what, changes, why) => {
  const { decided } = undo(three, [aside(1), aside(2), aside(3, { revision: 99, ...changes })]);
  const [, , third] = decided.hosts;
  expect(third).toMatchObject({ action: 'vacate', why: expect.stringContaining(why) as string });
});

test('too few hosts with data are refused, with what was found on each', () => {
  expect(() => undo(three, [aside(1), gone(2), aside(3, { clusterId: OTHER })])).toThrow(
    expect.objectContaining({
      code: 'UNDO_INCOMPLETE',
      message: `cluster ${OLD} had 3 voting members and needs 2 of them: h1 has member ${memberOf(1, 'a').id}; h2 cannot be swapped: /var/lib/etcd/member.before-${RESTORE} is not there; h3 cannot be swapped: /var/lib/etcd/member.before-${RESTORE} is of cluster ${OTHER}`,
    }) as Error,
  );
  expect(() => undo(three, [gone(1), gone(2), gone(3)])).toThrow(
    expect.objectContaining({ code: 'UNDO_INCOMPLETE' }) as Error,
  );
  expect(() => undo(three, [aside(1), aside(2, { memberId: memberOf(1, 'a').id }), gone(3)])).toThrow(
    expect.objectContaining({ code: 'UNDO_INCOMPLETE' }) as Error,
  );
});

const later = {
  ...restore,
  operation: '20261123T153000Z-000001',
  clusterId: OTHER,
  parentClusterId: PRESENT,
};
test.each([
  ['that nobody knows', [], 'OPERATION_UNKNOWN', 'no host knows'],
  [
    'that was undone already',
    [{ ...restore, revokedBy: UNDO }],
    'UNDO_REFUSED',
    `undone already, by ${UNDO}`,
  ],
  [
    'that another one came after',
    [restore, later],
    'UNDO_REFUSED',
    `lifeboat restore undo ${later.operation}`,
  ],
  [
    'beside which another one began',
    [restore, { ...later, parentClusterId: OLD }],
    'UNDO_REFUSED',
    'began at the same cluster',
  ],
  ['of unknown origin', [{ ...restore, parentClusterId: undefined }], 'UNDO_REFUSED', 'no host knew'],
  [
    'that is an undo itself',
    [{ ...later, revokedBy: RESTORE }],
    'UNDO_REFUSED',
    `is the undo of ${later.operation}`,
  ],
])('an operation %s is refused', (_what, generations, code, words) => {
  const facts = three.map((host, index) => ({ ...host, generations: index === 1 ? generations : [] }));
  expect(() => undo(facts, all)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(words) as string }) as Error,
  );
});

test('hosts that are of another cluster by now are refused', () => {
  const facts = three.map((host) => ({ ...host, clusterId: OTHER }));
  expect(() => undo(facts, all)).toThrow(expect.objectContaining({ code: 'UNDO_REFUSED' }) as Error);
});

test('hosts that do not answer are refused, and those sworn dead must be silent where the present cluster knows them', () => {
  const silent = [{ agent: 'h3', message: 'connect ECONNREFUSED' }];
  const two = three.slice(0, 2);
  expect(() => undo(two, all, { silent })).toThrow(
    expect.objectContaining({ code: 'GUARD_HOSTS_MISSING' }) as Error,
  );
  const { decided } = undo(two, [aside(1), aside(2)], { silent, without: ['h3'] });
  const urls = ['http://10.0.0.3:2379', 'http://10.0.0.3:2380'];
  expect(decided.without).toEqual([{ agent: 'h3', urls }]);
  expect(decided.hosts.map(({ agent }) => agent)).toEqual(['h1', 'h2']);
});

test('a member of the present cluster that no agent stands beside must be silent', () => {
  const agents = ['h1', 'h2'];
  const { decided } = undo(three.slice(0, 2), [aside(1), aside(2)], { agents });
  expect(decided.strangerUrls).toEqual(['http://10.0.0.3:2379', 'http://10.0.0.3:2380']);
});

test('data of a newer etcd than the hosts run now is refused', () => {
  expect(() => undo(three, [aside(1), aside(2), aside(3, { storageVersion: '3.7.0' })])).toThrow(
    expect.objectContaining({ code: 'GUARD_NEWER_SNAPSHOT' }) as Error,
  );
});

test('alarms of the old cluster are told of, and stand', () => {
  const alarms = [{ memberId: memberOf(3, 'a').id, alarm: 'NOSPACE' }];
  const { decided, measured } = undo(three, [aside(1), aside(2), aside(3, { alarms })]);
  expect(decided.alarms).toEqual({ carried: alarms, action: 'tolerate' });
  expect(measured.warnings.join(' ')).toContain('alarm NOSPACE');
});

describe('before anything is stopped', () => {
  const confirmed = undo(three, all);
  const later: Generation = {
    ...restore,
    ...{ operation: '20261123T153000Z-0a0b0c', clusterId: OTHER, parentClusterId: PRESENT },
  };
  const recheck = async (facts: readonly HostFacts[], plan = confirmed): Promise<void> => {
    const call: CallHost = (agent) => Promise.resolve(facts.find((host) => host.agent === agent));
    await recheckGuards(call, plan, 'before-stop', new AbortController().signal);
  };

  test('an undo goes on where all is as it was confirmed', async () => {
    await expect(recheck(three)).resolves.toBeUndefined();
  });

  test.each([
    ['the hosts are of another cluster', { clusterId: OTHER }, `are of ${OTHER} now`],
    ['a later restore went through', { generations: [restore, later] }, 'it is followed'],
    ['it was undone meanwhile', { generations: [{ ...restore, revokedBy: UNDO }] }, 'it is undone'],
  ])('it does not where %s', async (_, changes, words) => {
    await expect(recheck([1, 2, 3].map((number) => hostFacts(number, changes)))).rejects.toMatchObject({
      code: 'GUARD_CHANGED',
      message: expect.stringContaining(words) as string,
    });
  });

  test('nor where a host that would keep its data has other data by now', async () => {
    const missed = hostFacts(3, { clusterId: OLD, memberId: memberOf(3, 'a').id });
    const plan = undo([hostFacts(1), hostFacts(2), missed], [aside(1), aside(2), gone(3)]);
    await expect(recheck([hostFacts(1), hostFacts(2), missed], plan)).resolves.toBeUndefined();
    await expect(recheck(three, plan)).rejects.toMatchObject({ code: 'GUARD_CHANGED' });
  });
});

test('present data of the old cluster is newer than what is set aside beside it', () => {
  const putBack = hostFacts(3, { clusterId: OLD, memberId: memberOf(3, 'a').id });
  expect(undo([hostFacts(1), hostFacts(2), putBack], all).decided.hosts.at(-1)?.action).toBe('keep');
});
