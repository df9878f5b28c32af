import { describe, expect, test } from 'vitest';
import { restoreArguments, type RestoreArguments } from '../../../src/restore-tool/restore-arguments.ts';
import type { RestoreTool } from '../../../src/restore-tool/restore-tool.ts';

const able: RestoreTool = {
  path: '/usr/bin/etcdutl',
  kind: 'etcdutl',
  version: '3.6.14',
  canRestore: true,
  canSkipHashCheck: true,
  canSetWalDir: true,
  canBumpRevision: true,
};

const request: RestoreArguments = {
  snapshotPath: '/backup/a.db',
  name: 'b',
  initialCluster: [
    { name: 'a', peerUrls: ['https://10.0.0.1:2380', 'https://[fd00::1]:2380'] },
    { name: 'b', peerUrls: ['https://10.0.0.2:2380'] },
  ],
  initialClusterToken: 'restore-7f3a',
  initialAdvertisePeerUrls: ['https://10.0.0.2:2380'],
  dataDir: '/var/lib/etcd/.lifeboat/op/data',
  skipHashCheck: false,
};

test('a restore names the member, the whole cluster and the token', () => {
  expect(restoreArguments(able, request)).toEqual([
    'snapshot',
    'restore',
    '/backup/a.db',
    '--name=b',
    '--initial-cluster=a=https://10.0.0.1:2380,a=https://[fd00::1]:2380,b=https://10.0.0.2:2380',
    '--initial-cluster-token=restore-7f3a',
    '--initial-advertise-peer-urls=https://10.0.0.2:2380',
    '--data-dir=/var/lib/etcd/.lifeboat/op/data',
  ]);
});

test('what is asked for beyond that is added, and nothing else', () => {
  const more = { ...request, walDir: '/wal/new', skipHashCheck: true, bumpRevision: 1_000_000_000 };

  expect(restoreArguments(able, more).slice(8)).toEqual([
    '--wal-dir=/wal/new',
    '--skip-hash-check',
    '--bump-revision=1000000000',
    '--mark-compacted',
  ]);
  expect(restoreArguments(able, { ...request, bumpRevision: 0 })).toEqual(restoreArguments(able, request));
});

describe('a tool that lacks a flag', () => {
  test.each([
    ['canRestore', 'snapshot restore', {}],
    ['canSkipHashCheck', '--skip-hash-check', { skipHashCheck: true }],
    ['canSetWalDir', '--wal-dir', { walDir: '/wal/new' }],
    ['canBumpRevision', '--bump-revision with --mark-compacted', { bumpRevision: 5 }],
  ] as const)('is refused when %s is needed and missing', (ability, flag, wish) => {
    expect(() => restoreArguments({ ...able, [ability]: false }, { ...request, ...wish })).toThrow(
      expect.objectContaining({ code: 'RESTORE_TOOL_UNFIT', details: { lacking: [flag] } }),
    );
  });

  test('is good enough where the flag is not needed', () => {
    const old = { ...able, canBumpRevision: false, canSetWalDir: false };

    expect(restoreArguments(old, request)).toContain('--name=b');
  });
});

test.each<[string, Partial<RestoreArguments>]>([
  ['a relative path', { snapshotPath: 'a.db' }],
  ['a relative data dir', { dataDir: 'data' }],
  ['a relative WAL dir', { walDir: 'wal' }],
  ['a path that looks like a flag', { snapshotPath: '--help' }],
  ['a name with a comma', { name: 'b,c', initialCluster: [{ name: 'b,c', peerUrls: ['http://h:1'] }] }],
  ['a member of another cluster', { name: 'c' }],
  ['a URL that the cluster does not know', { initialAdvertisePeerUrls: ['https://10.0.0.9:2380'] }],
  ['a name that is there twice', { initialCluster: [...request.initialCluster, ...request.initialCluster] }],
  ['a member without a URL', { initialCluster: [...request.initialCluster, { name: 'c', peerUrls: [] }] }],
  [
    'two URLs in one',
    { initialCluster: [...request.initialCluster, { name: 'c', peerUrls: ['http://h:1,d=http://h:2'] }] },
  ],
  ['an empty token', { initialClusterToken: '' }],
  ['a revision that goes back', { bumpRevision: -1 }],
])('%s is refused before anything runs', (_, change) => {
  expect(() => restoreArguments(able, { ...request, ...change })).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  );
});
