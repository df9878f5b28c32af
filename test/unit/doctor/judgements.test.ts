import { describe, expect, test } from 'vitest';
import type { RestoreTool } from '../../../src/restore-tool/restore-tool.ts';
import { judgeConfig, judgeSocketGroup, judgeState } from '../../../src/doctor/judge-agent.ts';
import { judgeCertificate, type CertificateFacts } from '../../../src/doctor/judge-certificate.ts';
import { clockOffset, judgeClock } from '../../../src/doctor/judge-clock.ts';
import { judgeDirectory } from '../../../src/doctor/judge-data.ts';
import { judgeMember, judgeProcess } from '../../../src/doctor/judge-member.ts';
import { judgePeers } from '../../../src/doctor/judge-peers.ts';
import { judgeSettings } from '../../../src/doctor/judge-settings.ts';
import { judgeFreshness, judgeListener, judgeSchedule } from '../../../src/doctor/judge-snapshots.ts';
import { judgeSpace, type SpaceFacts } from '../../../src/doctor/judge-space.ts';
import { judgeHold, judgeSight } from '../../../src/doctor/judge-supervisor.ts';
import { judgeBinary, judgeTool } from '../../../src/doctor/judge-tool.ts';
import { mountOf } from '../../../src/doctor/mount-of.ts';
import type { DirectoryFacts } from '../../../src/doctor/probe-directory.ts';
import { settingsOf } from '../../../src/discovery/etcd-settings.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const DAY = 86_400_000;
const GIB = 2 ** 30;

describe('a certificate', () => {
  const SOUND: CertificateFacts = {
    certFile: '/pki/h1.pem',
    keyFile: '/pki/h1-key.pem',
    caFile: '/pki/ca.pem',
    problems: [],
    validFromMs: NOW - DAY,
    validToMs: NOW + 400 * DAY,
    caValidToMs: NOW + 3000 * DAY,
    keyFits: true,
    keyMode: 0o100600,
    names: 'DNS:h1.example.org',
    isNamed: true,
    uses: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
    chains: true,
  };
  const judge = (changes: Partial<CertificateFacts>) =>
    judgeCertificate(
      { ...SOUND, ...changes },
      {
        id: 'mesh.certificate',
        name: 'h1.example.org',
        uses: ['server', 'client'],
        chain: true,
        nowMs: NOW,
      },
    );

  test('that is as it should be is said with its end', () => {
    expect(judge({})).toMatchObject({ status: 'ok', found: expect.stringContaining('400 days') as string });
  });

  test.each<[string, Partial<CertificateFacts>, 'warn' | 'fail', string]>([
    ['cannot be read', { problems: ['ENOENT: /pki/h1.pem'] }, 'fail', 'ENOENT'],
    ['names somebody else', { isNamed: false, names: 'DNS:h2' }, 'fail', 'alternative names are DNS:h2'],
    ['is for servers only', { uses: ['1.3.6.1.5.5.7.3.1'] }, 'fail', 'not for clients'],
    ['is of another CA', { chains: false }, 'fail', 'not signed by a CA in /pki/ca.pem'],
    ['has another key', { keyFits: false }, 'fail', 'not the key'],
    ['expired', { validToMs: NOW }, 'fail', 'expired on 2026-11-23'],
    ['expires soon', { validToMs: NOW + 29 * DAY }, 'warn', '29 days'],
    ['begins tomorrow', { validFromMs: NOW + DAY }, 'fail', 'only from 2026-11-24'],
    ['has a CA that expired', { caValidToMs: NOW - DAY }, 'fail', '/pki/ca.pem expired'],
    ['has a key for everybody', { keyMode: 0o100644 }, 'warn', 'mode 0644'],
  ])('that %s is reported', (_, changes, status, found) => {
    expect(judge(changes)).toMatchObject({
      status,
      found: expect.stringContaining(found) as string,
      hint: expect.stringMatching(/\S/) as string,
    });
  });

  test('with two faults has both of them named', () => {
    const { found } = judge({ keyFits: false, chains: false });
    expect(found).toMatch(/not the key.*; .*not signed/);
  });

  test('without an extended key usage is good for all', () => {
    const { uses: _uses, ...anything } = SOUND;
    expect(
      judgeCertificate(anything, { id: 'etcd.certificate', uses: ['client'], chain: false, nowMs: NOW })
        .status,
    ).toBe('ok');
  });
});

describe('space', () => {
  const ROOMY: SpaceFacts = {
    dataDir: '/data',
    dataFreeBytes: 10 * GIB,
    snapshotDirectory: '/snapshots',
    snapshotFreeBytes: 10 * GIB,
    shared: false,
    databaseBytes: GIB,
  };

  test.each<[string, Partial<SpaceFacts>, string]>([
    ['there is plenty', {}, 'ok'],
    ['the data would just fit', { dataFreeBytes: 1.5 * GIB }, 'warn'],
    ['the data would not fit', { dataFreeBytes: GIB }, 'fail'],
    ['the snapshot would not fit', { snapshotFreeBytes: GIB - 1 }, 'fail'],
    ['both share a disk that one would fill', { shared: true, dataFreeBytes: 2 * GIB }, 'fail'],
    ['the log has a disk that is full', { walDir: '/wal', walFreeBytes: 1 }, 'fail'],
  ])('is judged where %s', (_, changes, status) => {
    expect(judgeSpace({ ...ROOMY, ...changes }, 160 * 2 ** 20).status).toBe(status);
  });
});

describe('the restore tool', () => {
  const tool = (kind: RestoreTool['kind'], version: string, canRestore = true): RestoreTool => ({
    ...{ path: `/usr/bin/${kind}`, kind, version, canRestore },
    ...{ canSkipHashCheck: true, canSetWalDir: true, canBumpRevision: false },
  });

  test.each<[string, RestoreTool[], string | undefined, string, string]>([
    ['of the same minor', [tool('etcdutl', '3.6.2')], '3.6.14', 'ok', 'etcdutl 3.6.2'],
    ['of a near minor', [tool('etcdutl', '3.5.9')], '3.6.14', 'warn', 'not of the minor release'],
    ['of 3.4 for 3.6', [tool('etcdctl', '3.4.23')], '3.6.14', 'fail', 'no tool here fits'],
    ['that cannot restore', [tool('etcdctl', '3.6.0', false)], '3.6.0', 'fail', 'no tool here can restore'],
    ['that is not there', [], '3.6.0', 'fail', 'neither etcdutl nor etcdctl'],
    ['for an etcd nobody knows', [tool('etcdutl', '3.6.2')], undefined, 'warn', 'unknown version'],
  ])('%s is judged', (_, tools, version, status, found) => {
    expect(judgeTool(tools, version)).toMatchObject({
      status,
      found: expect.stringContaining(found) as string,
    });
  });

  test('an etcd that was upgraded and not restarted is noticed', () => {
    expect(judgeBinary({ version: '3.5.1' }, '3.4.23').status).toBe('warn');
    expect(judgeBinary({ version: '3.5.1' }, '3.5.1').status).toBe('ok');
    expect(judgeBinary({ version: undefined }, '3.5.1').status).toBe('warn');
    expect(judgeBinary({ version: undefined, problem: 'it cannot be run' }, '3.5.1').status).toBe('fail');
  });
});

describe('clocks', () => {
  test('of several samples the one with the shortest trip counts', () => {
    const samples = [
      { askedAtMs: 0, theirsMs: 5000, answeredAtMs: 4000 },
      { askedAtMs: 10_000, theirsMs: 10_105, answeredAtMs: 10_010 },
    ];
    expect(clockOffset(samples)).toEqual({ offsetMs: 100, withinMs: 5 });
  });

  test.each([
    ['in step', 10, 'ok'],
    ['two seconds ahead', 2005, 'warn'],
    ['two seconds behind', -1995, 'warn'],
  ])('%s', (_, theirsMs, status) => {
    expect(judgeClock('h2', [{ askedAtMs: 0, theirsMs, answeredAtMs: 10 }])).toMatchObject({
      status,
      subject: 'h2',
    });
  });

  test('what a slow link could explain is not held against a clock', () => {
    expect(judgeClock('h2', [{ askedAtMs: 0, theirsMs: 3500, answeredAtMs: 6000 }]).status).toBe('ok');
  });
});

describe('settings', () => {
  const ETCD = {
    memberName: 'm1',
    endpoint: 'https://127.0.0.1:2379',
    peerUrls: ['https://a:2380'],
    dataDir: '/var/lib/etcd',
    requestTimeoutSeconds: 5,
  };
  const running = (...flags: string[]) => ({
    pid: 7,
    unknown: [],
    settings: settingsOf({
      argv: [
        ...['etcd', '--name=m1', '--data-dir=/var/lib/etcd', '--initial-advertise-peer-urls=https://a:2380'],
        ...['--listen-client-urls=https://0.0.0.0:2379', ...flags],
      ],
      environment: {},
      workingDirectory: '/',
    }),
  });

  test('that are those of the process are fine', () => {
    expect(judgeSettings(ETCD, running()).status).toBe('ok');
    expect(judgeSettings(ETCD, running('--wal-dir=/var/lib/etcd/member/wal')).status).toBe('ok');
  });

  test.each([
    ['another name', '--name=m2', 'etcd.memberName is m1, and etcd has m2'],
    ['another directory', '--data-dir=/srv', 'etcd.dataDir is /var/lib/etcd, and etcd has /srv'],
    ['a log of its own', '--wal-dir=/wal', 'etcd.walDir is not set, and etcd has /wal'],
    ['another peer URL', '--initial-advertise-peer-urls=https://b:2380', 'etcd has https://b:2380'],
    ['another port', '--listen-client-urls=https://0.0.0.0:4001', 'etcd listens on https://0.0.0.0:4001'],
    ['no TLS', '--listen-client-urls=http://0.0.0.0:2379', 'etcd listens on http://0.0.0.0:2379'],
  ])('of a process with %s are refused', (_, flag, found) => {
    expect(judgeSettings(ETCD, running(flag))).toMatchObject({
      status: 'fail',
      found: expect.stringContaining(found) as string,
    });
  });

  test('that cannot all be seen are doubtful', () => {
    expect(judgeSettings(ETCD, { ...running(), unknown: ['environ (EACCES)'] }).status).toBe('warn');
  });
});

describe('a data directory', () => {
  const SOUND: DirectoryFacts = {
    path: '/var/lib/etcd',
    mount: { type: 'xfs', mountPoint: '/var', source: '/dev/sda1', readOnly: false },
    owner: 'etcd:etcd',
    mode: 0o700,
    setAside: [],
    probe: { memberIsMount: false, reflink: 'shared' },
  };
  const statusOf = (facts: Partial<DirectoryFacts>, runs = true) =>
    judgeDirectory({ ...SOUND, ...facts }, runs).map(({ status }) => status);
  const onType = (type: string) => ({ mount: { type, mountPoint: '/', source: 'x', readOnly: false } });

  test.each<[string, Partial<DirectoryFacts>, string[]]>([
    ['as it should be', {}, ['ok', 'ok', 'ok']],
    ['on a network', onType('nfs4'), ['warn', 'ok', 'ok']],
    ['in memory', onType('tmpfs'), ['warn', 'ok', 'ok']],
    ['open to all', { mode: 0o755 }, ['warn', 'ok', 'ok']],
    ['with a member of its own disk', { probe: { memberIsMount: true } }, ['ok', 'fail', 'skipped']],
    ['that is full', { probe: { problem: 'ENOSPC' } }, ['ok', 'fail', 'skipped']],
    ['closed to us', { problem: 'EACCES' }, ['fail', 'ok', 'ok']],
    ['that is not there while etcd runs', { problem: 'ENOENT' }, ['fail', 'ok', 'ok']],
  ])('%s', (_, facts, expected) => {
    expect(statusOf(facts)).toEqual(expected);
  });

  test('that was lost with its etcd is no fault of the configuration', () => {
    expect(statusOf({ problem: 'ENOENT' }, false)[0]).toBe('warn');
  });

  test('is on the innermost and newest of the mounts above it', () => {
    const table = [
      '1 0 8:1 / / rw - ext4 /dev/sda1 rw',
      '2 1 8:2 / /var/lib\\040x rw,noatime - xfs /dev/sdb rw',
      '3 1 8:3 / /var rw - btrfs /dev/sdc rw',
      '4 1 8:4 / /var ro - ext4 /dev/sdd rw',
    ].join('\n');
    expect(mountOf(table, '/var/lib/etcd')).toEqual({
      type: 'ext4',
      mountPoint: '/var',
      source: '/dev/sdd',
      readOnly: true,
    });
    expect(mountOf(table, '/var/lib x/etcd')?.type).toBe('xfs');
    expect(mountOf(table, '/variable')?.type).toBe('ext4');
  });
});

describe('peers', () => {
  const link = { peer: 'h2', since: NOW - 60_000 } as const;

  test.each([
    ['is connected', { ...link, state: 'connected', release: '1.0.0' }, 'ok'],
    ['is of another release', { ...link, state: 'connected', release: '2.0.0' }, 'warn'],
    ['does not answer', { ...link, state: 'connecting', lastError: 'ECONNREFUSED' }, 'fail'],
    ['refuses', { ...link, state: 'refused', lastError: 'unknown CA' }, 'fail'],
  ] as const)('one that %s', (_, state, status) => {
    expect(judgePeers([state], '1.0.0', NOW)).toMatchObject([{ id: 'mesh.peer', subject: 'h2', status }]);
  });

  test('none are needed', () => {
    expect(judgePeers([], '1.0.0', NOW)).toMatchObject([{ status: 'skipped' }]);
  });
});

describe('snapshots', () => {
  const newest = { ...sampleManifest(), takenAt: new Date(NOW - 3_600_000).toISOString() };
  const judge = (changes: Partial<Parameters<typeof judgeFreshness>[0]>) =>
    judgeFreshness({
      snapshots: [newest],
      staleAfterMs: 7_200_000,
      memberRevision: newest.revision + 1,
      nowMs: NOW,
      ...changes,
    }).status;

  test('are fresh, stale, or missing', () => {
    expect(judge({})).toBe('ok');
    expect(judge({ staleAfterMs: 3_599_999 })).toBe('fail');
    expect(judge({ staleAfterMs: undefined })).toBe('ok');
    expect(judge({ snapshots: [] })).toBe('fail');
    expect(judge({ snapshots: [], staleAfterMs: undefined })).toBe('warn');
    expect(judge({ snapshots: [{ ...newest, grade: 'raw' }] })).toBe('fail');
  });

  test('an old one that has all that the member has is not stale', () => {
    expect(judge({ staleAfterMs: 1, memberRevision: newest.revision })).toBe('ok');
  });

  test('a schedule is there, missing, or never due', () => {
    const cron = { cron: '0 0 30 2 *', timeZone: 'UTC' };
    expect(judgeSchedule(undefined, undefined).status).toBe('warn');
    expect(judgeSchedule(cron, 'impossible').status).toBe('fail');
    expect(judgeSchedule(cron, undefined).status).toBe('ok');
  });
});

describe('the agent', () => {
  test('a state directory that others may look into is reported, one of somebody else only by the agent', () => {
    const state = { path: '/s', mode: 0o700, owner: 'etcd:etcd' };
    expect(judgeState(state, 'agent', 'etcd').status).toBe('ok');
    expect(judgeState({ ...state, mode: 0o750 }, 'agent', 'etcd').status).toBe('warn');
    expect(judgeState({ ...state, problem: 'EACCES' }, 'agent', 'etcd').status).toBe('fail');
    expect(judgeState({ ...state, problem: 'EACCES' }, 'command', 'alice').status).toBe('skipped');
    expect(judgeState({ path: '/s', missing: true }, 'agent', 'etcd').status).toBe('fail');
  });

  test('the group of the socket must be there, and the agent in it', () => {
    const group = { name: 'ops', id: 7, isOurs: true, by: 'agent' } as const;
    expect(judgeSocketGroup(group).status).toBe('ok');
    expect(judgeSocketGroup({ ...group, id: undefined }).status).toBe('fail');
    expect(judgeSocketGroup({ ...group, isOurs: false }).status).toBe('fail');
    expect(judgeSocketGroup({ ...group, name: undefined, id: undefined }).status).toBe('ok');
  });

  test('a configuration that changed, that others may write, or that is wrong', () => {
    const file = { path: '/c', problem: undefined, mode: 0o100640, changedAtMs: 1, readAtMs: 2 };
    expect(judgeConfig(file).status).toBe('ok');
    expect(judgeConfig({ ...file, changedAtMs: 3 }).status).toBe('warn');
    expect(judgeConfig({ ...file, mode: 0o100664 }).status).toBe('fail');
    expect(judgeConfig({ ...file, problem: 'c:1:1 etcd: is missing' }).status).toBe('fail');
  });

  test('a listener is there, off, or without a port', () => {
    const listener = { enabled: true, listen: { host: '::1', port: 7401 } };
    expect(judgeListener(listener, undefined)).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('[::1]:7401') as string,
    });
    expect(judgeListener(listener, 'EADDRINUSE').status).toBe('fail');
    expect(judgeListener({ ...listener, enabled: false }, undefined).status).toBe('skipped');
  });
});

describe('etcd', () => {
  test('a process that runs, starts, or does not', () => {
    expect(judgeProcess({ state: 'running', pid: 7 }, 'etcd.service').status).toBe('ok');
    expect(judgeProcess({ state: 'starting' }, 'etcd.service').status).toBe('warn');
    expect(judgeProcess({ state: 'failed', detail: 'exit status 1' }, 'etcd.service')).toMatchObject({
      status: 'fail',
      found: 'etcd.service is failed: exit status 1',
    });
  });

  test.each([
    ['of this host', {}, 'ok'],
    ['of another host', { name: 'm2' }, 'fail'],
    ['without quorum', { quorumProblem: 'no leader' }, 'fail'],
    ['with an alarm', { errors: ['memberID:1 alarm:NOSPACE'] }, 'warn'],
    ['that learns', { isLearner: true }, 'warn'],
    ['that does not answer', { problem: 'ECONNREFUSED' }, 'fail'],
  ])('a member %s', (_, changes, status) => {
    const member = { version: '3.6.1', name: 'm1', revision: 5, errors: [], ...changes };
    expect(judgeMember(member, 'm1', 'http://127.0.0.1:2379').status).toBe(status);
  });

  test('its open files are seen, hidden, or shared with somebody', () => {
    const own = { pid: 7, command: 'etcd', path: '/d', writing: true };
    expect(judgeSight([own], 7, 'etcd').status).toBe('ok');
    expect(judgeSight([], 7, 'alice').status).toBe('fail');
    expect(judgeSight([own, { ...own, pid: 8 }], 7, 'etcd').status).toBe('warn');
    expect(judgeSight([own, { ...own, pid: 8, writing: false }], 7, 'etcd').status).toBe('ok');
  });

  test('a hold belongs to a restore that goes on, or is left over', () => {
    expect(judgeHold(undefined, undefined).status).toBe('ok');
    expect(judgeHold('op', 'op').status).toBe('warn');
    expect(judgeHold('op', undefined).status).toBe('fail');
  });
});
