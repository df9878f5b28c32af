import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { openOperationDisplay } from '../../../src/cli/operation-display.ts';
import { changesOf } from '../../../src/cli/operation-lines.ts';
import { operationText } from '../../../src/cli/operation-text.ts';
import { plain } from '../../../src/cli/paint.ts';
import { snapshotListText } from '../../../src/cli/snapshot-text.ts';
import { statusText } from '../../../src/cli/status-text.ts';
import {
  finishedView,
  OPERATION,
  sampleManifest,
  sampleStatus,
  sampleView,
} from '../../support/control-samples.ts';
import { readWritten } from '../../support/read-written.ts';

const NOW = Date.parse('2026-11-23T15:02:00Z');

test('a finished restore says what it came to, what is kept where, and what frees the space', () => {
  const view = finishedView({
    next: [`lifeboat restore clean ${OPERATION}`, 'lifeboat status'],
  });

  expect(operationText(view, NOW, plain).join('\n')).toMatchInlineSnapshot(`
    "20261123T150000Z-a1b2c3  finished  41 s  coordinator h1
      AGENT  PHASE     STEP  BYTES
      h1     finished
      h2     finished
      h3     finished
      snapshot     20261123T143000Z-h1-r1234-abc123, revision 1,234, 25.0 MiB
      new cluster  7a6b5c4d3e2f1a0b
      revision     1,234
      HashKV       2907411332, equal on all members
      keys         1,200
      lost         29 revisions
      downtime     8.4 s

    Set aside, and kept until someone removes it:
      h1  /var/lib/etcd/member.before-20261123T150000Z-a1b2c3
      h2  /var/lib/etcd/member.before-20261123T150000Z-a1b2c3
      h3  /var/lib/etcd/member.before-20261123T150000Z-a1b2c3

    Next:
      lifeboat restore clean 20261123T150000Z-a1b2c3
      lifeboat status"
  `);
});

test('a stuck restore says which host waits for what, and what can be typed', () => {
  const view = sampleView({
    phase: 'stuck',
    failure: { code: 'PEER_UNREACHABLE', message: 'h3 has not answered since 15:01:30' },
    gate: ['h3 has not been asked'],
    next: ['lifeboat restore abort'],
  });
  const hosts = view.hosts.map((host) =>
    host.agent === 'h3'
      ? { ...host, reachable: false, failure: { code: 'ETCD_START_FAILED', message: 'exit status 1' } }
      : { ...host, phase: 'started' as const, step: 'start-etcd', bytes: 10, totalBytes: 20 },
  );

  expect(operationText({ ...view, hosts }, NOW, plain).join('\n')).toMatchInlineSnapshot(`
    "20261123T150000Z-a1b2c3  stuck  1m 0s  coordinator h1
      AGENT  PHASE                    STEP              BYTES
      h1     started                  start-etcd  10 B / 20 B
      h2     started                  start-etcd  10 B / 20 B
      h3     preparing (unreachable)
      h3: ETCD_START_FAILED: exit status 1
      gate: h3 has not been asked
      cause     PEER_UNREACHABLE: h3 has not answered since 15:01:30
      snapshot  20261123T143000Z-h1-r1234-abc123, revision 1,234, 25.0 MiB

    Next:
      lifeboat restore abort"
  `);
});

test('each change of an operation is one line, and counting bytes are none', () => {
  const first = sampleView();
  const moved = sampleView({
    phase: 'stopping',
    gate: ['waits for h3'],
    hosts: [
      { agent: 'h1', phase: 'preparing', reachable: true, bytes: 5 },
      { agent: 'h2', phase: 'prepared', reachable: true },
      { agent: 'h3', phase: 'preparing', reachable: false },
    ],
  });

  expect(changesOf(undefined, first)).toEqual([
    'operation preparing',
    'h1 preparing',
    'h2 preparing',
    'h3 preparing',
  ]);
  expect(changesOf(first, moved)).toEqual([
    'operation stopping',
    'h2 prepared',
    'h3 UNREACHABLE preparing',
    'gate waits for h3',
  ]);
  expect(changesOf(moved, moved)).toEqual([]);
});

test('without a terminal, bytes of a host are said with its changes and else each five seconds', () => {
  const stream = new PassThrough();
  let nowMs = Date.parse('2026-11-23T12:00:00Z');
  const clock: Clock = { now: () => nowMs, sleep: () => Promise.resolve() };
  const display = openOperationDisplay(stream, clock);
  for (let second = 0; second < 7; second += 1) {
    const bytes = second * 2 ** 20;
    display.show(
      sampleView({
        hosts: [
          {
            agent: 'h2',
            phase: 'preparing',
            step: 'fetch-snapshot',
            reachable: true,
            bytes,
            totalBytes: 2 ** 30,
          },
        ],
      }),
    );
    nowMs += 1_000;
  }

  expect(readWritten(stream).split('\n')).toEqual([
    '12:00:00Z operation preparing',
    '12:00:00Z h2 preparing fetch-snapshot 0 B / 1.0 GiB',
    '12:00:05Z h2 preparing fetch-snapshot 5.0 MiB / 1.0 GiB',
    '',
  ]);
});

test('status answers first whether etcd runs and has quorum', () => {
  expect(statusText(sampleStatus(), NOW, plain).join('\n')).toMatchInlineSnapshot(`
    "h1  release 0.1.0, process 4711, up 3h 2m, /etc/etcd-lifeboat/config.yaml

    etcd
      process   running (systemd, process 4712)
      quorum    yes
      endpoint  etcd 3.4.23 at https://127.0.0.1:2379
      member    8e9e05c52164694d of cluster cdf818194e3a8c32, the leader
      revision  1,263
      database  25.0 MiB
      data dir  /var/lib/etcd

    snapshots
      kept           12 with 300 MiB in /var/lib/etcd-lifeboat/snapshots
      newest proved  20261123T143000Z-h1-r1234-abc123, 32m 0s ago, revision 1,234, hashed

    schedule
      when     */30 * * * * (UTC)
      next     2026-11-23 15:30:00 UTC
      last     saved 31m 59s ago
      not run  0 dropped, 1 missed

    peers
      PEER  LINK        SINCE      RELEASE
      h2    connected   3h 1m ago  0.1.0
      h3    connecting  3m 0s ago  -
      h3: connect ECONNREFUSED 10.0.0.3:7400"
  `);
});

test('snapshots that cannot be read are listed as damaged, not left out', () => {
  const list = {
    directory: '/snapshots',
    snapshots: [{ ...sampleManifest(), path: '/snapshots/x/snapshot.db' }],
    damaged: [{ id: 'broken', message: 'the manifest is not JSON' }],
  };

  expect(snapshotListText(list, NOW, plain).join('\n')).toMatchInlineSnapshot(`
    "ID                                TAKEN       KIND      GRADE   REVISION   KEYS      SIZE
    20261123T143000Z-h1-r1234-abc123  32m 0s ago  streamed  hashed     1,234  1,200  25.0 MiB
    damaged: broken: the manifest is not JSON"
  `);
  expect(snapshotListText({ ...list, snapshots: [] }, NOW, plain)).toEqual([
    'no snapshots in /snapshots',
    'damaged: broken: the manifest is not JSON',
  ]);
});
