import { expect, test } from 'vitest';
import { plain } from '../../../src/cli/paint.ts';
import { describeLoss } from '../../../src/cli/plan-loss.ts';
import { planNextStep, planText } from '../../../src/cli/plan-text.ts';
import { samplePlan } from '../../support/control-samples.ts';

function rendered(plan: ReturnType<typeof samplePlan>): string {
  return [...planText(plan, plain), ...planNextStep(plan, 'lifeboat')].join('\n');
}

test('a plan says what comes back, what is lost, where old data goes and what to type', () => {
  expect(rendered(samplePlan())).toMatchInlineSnapshot(`
    "Restore plan 3f2a91c400000000000000000000000000000000000000000000000000000000
      operation    20261123T150000Z-a1b2c3
      made         2026-11-23 15:00:00 UTC by h1, which will coordinate it
      cluster now  it has no quorum

    Snapshot
      id          20261123T143000Z-h1-r1234-abc123
      taken       2026-11-23 14:30:00 UTC, 30m 0s ago, by h1
      revision    1,234
      keys        1,200
      size        25.0 MiB
      grade       hashed: etcd's own SHA-256 trailer was compared
      sha256      abababababababababababababababababababababababababababababababab
      of cluster  cdf818194e3a8c32
      of etcd     unknown
      held by     h1, h2

    What will be lost
      29 revisions: everything written after revision 1,234 (h3 is at revision 1,263).

    Hosts (3)
      AGENT  MEMBER  FOUND    REVISION  ETCD    PEER URLS
      h1     m1      running     1,261  3.4.23  https://10.0.0.1:2380
      h2     m2      running     1,262  3.4.23  https://10.0.0.2:2380
      h3     m3      running     1,263  3.4.23  https://10.0.0.3:2380

      h1
        restored to  /var/lib/etcd/member
        old data     kept as /var/lib/etcd/member.before-20261123T150000Z-a1b2c3
        tool         /usr/bin/etcdctl 3.4.23
        space        80.0 MiB needed, 10.0 GiB free
        snapshot     is there

      h2
        restored to  /var/lib/etcd/member
        old data     kept as /var/lib/etcd/member.before-20261123T150000Z-a1b2c3
        tool         /usr/bin/etcdctl 3.4.23
        space        80.0 MiB needed, 10.0 GiB free
        snapshot     is there

      h3
        restored to  /var/lib/etcd/member
        old data     kept as /var/lib/etcd/member.before-20261123T150000Z-a1b2c3
        tool         /usr/bin/etcdctl 3.4.23
        space        80.0 MiB needed, 10.0 GiB free
        snapshot     will be fetched

    The new cluster
      token       lifeboat-5d41402abc4b2a76
      members     3, of which it may lose 1 and still work
      revision    1,234
      supersedes  cluster cdf818194e3a8c32

    Nothing has been changed. To do exactly this:
      lifeboat restore run --confirm 3f2a91c400000000000000000000000000000000000000000000000000000000"
  `);
});

test('a plan that leaves hosts out and accepts a copy says every allowance and every risk', () => {
  const { decided, measured } = samplePlan();
  const { keyCount: _notCounted, clusterId: _unknown, ...snapshot } = decided.snapshot;
  const plan = samplePlan({
    decided: {
      hosts: decided.hosts.slice(0, 1).map((host) => ({ ...host, found: 'stopped', walDir: '/wal/etcd' })),
      snapshot: { ...snapshot, grade: 'raw', hasTrailer: false },
      skipHashCheck: true,
      reason: 'the copy is all that is left',
      discardCurrent: true,
      allowForeign: true,
      alarms: { carried: [{ memberId: '8e9e05c52164694d', alarm: 'NOSPACE' }], action: 'disarm' },
      without: [
        { agent: 'h2', urls: ['https://10.0.0.2:2380', 'https://10.0.0.2:2379'] },
        { agent: 'h3', urls: [] },
      ],
    },
    measured: {
      quorum: 'none',
      faultTolerance: 0,
      warnings: ['the snapshot is 30m old'],
      hosts: measured.hosts.slice(0, 1).map(({ revision: _unread, ...host }) => host),
    },
  });
  const { newest: _newest, lostRevisions: _lost, ...unread } = plan.measured;

  expect(rendered({ ...plan, measured: unread })).toMatchInlineSnapshot(`
    "Restore plan 3f2a91c400000000000000000000000000000000000000000000000000000000
      operation    20261123T150000Z-a1b2c3
      made         2026-11-23 15:00:00 UTC by h1, which will coordinate it
      cluster now  no member of it runs

    Snapshot
      id          20261123T143000Z-h1-r1234-abc123
      taken       2026-11-23 14:30:00 UTC, 30m 0s ago, by h1
      revision    1,234
      keys        not counted
      size        25.0 MiB
      grade       raw: its structure was proved, its content carries no hash
      sha256      abababababababababababababababababababababababababababababababab
      of cluster  unknown
      of etcd     unknown
      held by     h1, h2
      hash check  skipped, because: the copy is all that is left

    What will be lost
      Unknown: no member could be read, so nobody can say how far the cluster was. Everything written after revision 1,234 is lost, at worst all of the last 30m 0s.

    Hosts (1)
      AGENT  MEMBER  FOUND    REVISION  ETCD    PEER URLS
      h1     m1      stopped   unknown  3.4.23  https://10.0.0.1:2380

      h1
        restored to  /var/lib/etcd/member, WAL in /wal/etcd
        old data     kept as /var/lib/etcd/member.before-20261123T150000Z-a1b2c3
        old WAL      kept as /wal/etcd/wal.before-20261123T150000Z-a1b2c3
        tool         /usr/bin/etcdctl 3.4.23
        space        80.0 MiB needed, 10.0 GiB free
        snapshot     is there

    The new cluster
      token       lifeboat-5d41402abc4b2a76
      members     1, of which it may lose none and still work
      revision    1,234
      supersedes  cluster cdf818194e3a8c32
      without     h2, which you say is dead: refused if https://10.0.0.2:2380 or https://10.0.0.2:2379 answers
      without     h3, which you say is dead
      alarm       NOSPACE of member 8e9e05c52164694d is in the snapshot, and will be disarmed
      allowed     the present data may be discarded; the snapshot may be of another cluster

    Warnings
      ! the snapshot is 30m old

    Nothing has been changed. To do exactly this:
      lifeboat restore run --confirm 3f2a91c400000000000000000000000000000000000000000000000000000000"
  `);
});

test('a host without data is told where its data will be, and that nothing is set aside', () => {
  const { decided } = samplePlan();
  const text = rendered(
    samplePlan({ decided: { hosts: decided.hosts.map((host) => ({ ...host, found: 'absent' })) } }),
  );

  expect(text).toContain('none found at /var/lib/etcd/member');
  expect(text).not.toContain('member.before');
});

test('a loss of nothing is only claimed of the members that were read', () => {
  const { measured } = samplePlan();
  const hosts = measured.hosts.map(({ revision, ...host }) =>
    host.agent === 'h2' ? { ...host, revision: revision ?? 0 } : host,
  );

  expect(
    describeLoss(
      samplePlan({ measured: { hosts, lostRevisions: 0, newest: { agent: 'h2', revision: 1234 } } }),
    ),
  ).toEqual([
    'No revision: the newest member that could be read is no further (h2 is at revision 1,234).',
    'Perhaps more: only 1 of 3 members could be read, and another may hold later writes.',
  ]);
});

test('one lost revision is not called revisions', () => {
  expect(describeLoss(samplePlan({ measured: { lostRevisions: 1 } }))[0]).toMatch(/^1 revision: /);
});

test('a plan says who boots the snapshot before anything is stopped, or why nobody does', () => {
  const lineFor = (rehearsal: NonNullable<ReturnType<typeof samplePlan>['decided']['rehearsal']>) =>
    /^ +rehearsal +(.*)$/m.exec(rendered(samplePlan({ decided: { rehearsal } })))?.[1];
  expect(lineFor({ action: 'run', agent: 'h2' })).toBe(
    'h2 boots it on a throw-away etcd before anything is stopped: about as long as it takes to stage it',
  );
  expect(lineFor({ action: 'skip', because: 'booted' })).toBe('not needed: it has booted before');
  expect(lineFor({ action: 'skip', because: 'declined' })).toBe('NONE, as you said');
  expect(lineFor({ action: 'skip', because: 'impossible' })).toBe('NONE: no host can');
});
