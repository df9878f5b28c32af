import { describe, expect, test } from 'vitest';
import type { RestoreTool } from '../../../src/restore-tool/restore-tool.ts';
import { judgeCertificate, type CertificateFacts } from '../../../src/doctor/judge-certificate.ts';
import { clockOffset, judgeClock } from '../../../src/doctor/judge-clock.ts';
import { judgeSettings } from '../../../src/doctor/judge-settings.ts';
import { judgeSpace, type SpaceFacts } from '../../../src/doctor/judge-space.ts';
import { judgeBinary, judgeTool } from '../../../src/doctor/judge-tool.ts';
import { settingsOf } from '../../../src/discovery/etcd-settings.ts';

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

  test.each<[string, RestoreTool[], string | undefined, [string, string]]>([
    ['of the same minor', [tool('etcdutl', '3.6.2')], '3.6.14', ['ok', 'etcdutl 3.6.2']],
    ['of a near minor', [tool('etcdutl', '3.5.9')], '3.6.14', ['warn', 'not of the minor release']],
    ['of 3.4 for 3.6', [tool('etcdctl', '3.4.23')], '3.6.14', ['fail', 'no tool here fits']],
    ['that cannot restore', [tool('etcdctl', '3.6.0', false)], '3.6.0', ['fail', 'no tool here can restore']],
    ['that is not there', [], '3.6.0', ['fail', 'neither etcdutl nor etcdctl']],
    ['for an etcd nobody knows', [tool('etcdutl', '3.6.2')], undefined, ['warn', 'unknown version']],
  ])('%s is judged', (_, tools, version, [status, found]) => {
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
    expect(judgeClock('h2', [{ askedAtMs: 0, theirsMs: 5500, answeredAtMs: 6000 }]).status).toBe('ok');
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
