import { describe, expect, test } from 'vitest';
import { judgeConfig, judgeSocketGroup, judgeState } from '../../../src/doctor/judge-agent.ts';
import { judgeDirectory } from '../../../src/doctor/judge-data.ts';
import { judgeMember, judgeProcess } from '../../../src/doctor/judge-member.ts';
import { judgePeers } from '../../../src/doctor/judge-peers.ts';
import { judgeFreshness, judgeListener, judgeSchedule } from '../../../src/doctor/judge-snapshots.ts';
import { judgeHold, judgeSight } from '../../../src/doctor/judge-supervisor.ts';
import { mountOf } from '../../../src/doctor/mount-of.ts';
import type { DirectoryFacts } from '../../../src/doctor/probe-directory.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');

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
    expect(judgeHold(undefined, undefined, undefined).status).toBe('ok');
    expect(judgeHold('op', 'op', undefined).status).toBe('warn');
    expect(judgeHold('op', undefined, undefined).status).toBe('fail');
  });

  test('a fence is told with the command that ends it, unless a restore has the host in hand', () => {
    const fence = { by: 'op', since: '2026-11-24T00:00:00.000Z' };
    expect(judgeHold(undefined, undefined, fence)).toMatchObject({
      status: 'fail',
      hint: expect.stringContaining('lifeboat member rejoin') as unknown,
    });
    expect(judgeHold('other', 'other', fence).status).toBe('warn');
  });
});
