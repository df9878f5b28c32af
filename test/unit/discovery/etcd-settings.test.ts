import { expect, test } from 'vitest';
import { settingsOf } from '../../../src/discovery/etcd-settings.ts';
import { configFileOf, readFlags, type EtcdLaunch } from '../../../src/discovery/launch.ts';

function launched(changes: Partial<EtcdLaunch> = {}): EtcdLaunch {
  return { argv: ['/usr/bin/etcd'], environment: {}, workingDirectory: '/var/lib', ...changes };
}

test('an etcd that was told nothing works by its defaults, below its working directory', () => {
  expect(settingsOf(launched())).toMatchObject({
    name: 'default',
    dataDir: '/var/lib/default.etcd',
    walDir: undefined,
    listenClientUrls: ['http://localhost:2379'],
    peerUrls: ['http://localhost:2380'],
    initialCluster: [{ name: 'default', url: 'http://localhost:2380' }],
    clientCertAuth: false,
    sources: { name: 'default', 'data-dir': 'default' },
  });
});

test('a flag goes before its variable, and an empty variable is none', () => {
  const settings = settingsOf(
    launched({
      argv: ['etcd', '--name=flagged', '-data-dir', '/data'],
      environment: { ETCD_NAME: 'varied', ETCD_WAL_DIR: '/wal', ETCD_LISTEN_CLIENT_URLS: '' },
    }),
  );
  expect(settings).toMatchObject({
    name: 'flagged',
    dataDir: '/data',
    walDir: '/wal',
    listenClientUrls: ['http://localhost:2379'],
    sources: { name: 'flag', 'data-dir': 'flag', 'listen-client-urls': 'default' },
  });
});

test('a configuration file counts alone: flags and variables beside it are ignored', () => {
  const settings = settingsOf(
    launched({
      argv: ['etcd', '--config-file', '/etc/etcd.yml', '--name', 'flagged', '--data-dir=/flagged'],
      environment: { ETCD_WAL_DIR: '/wal', ETCD_TRUSTED_CA_FILE: '/ca' },
      configFile: {
        name: 'filed',
        'listen-client-urls': 'https://10.0.0.1:2379, https://127.0.0.1:2379',
        'client-transport-security': { 'cert-file': 'pki/server.pem', 'client-cert-auth': true },
      },
    }),
  );
  expect(settings).toMatchObject({
    name: 'filed',
    dataDir: '/var/lib/filed.etcd',
    walDir: undefined,
    listenClientUrls: ['https://10.0.0.1:2379', 'https://127.0.0.1:2379'],
    certFile: '/var/lib/pki/server.pem',
    trustedCaFile: undefined,
    clientCertAuth: true,
    sources: { name: 'config file', 'data-dir': 'default' },
  });
});

test('the configuration file may be named by a variable', () => {
  expect(configFileOf({ argv: ['etcd'], environment: { ETCD_CONFIG_FILE: '/a.yml' } })).toBe('/a.yml');
  expect(configFileOf({ argv: ['etcd'], environment: { ETCD_CONFIG_FILE: '' } })).toBeUndefined();
});

test('a relative directory of an etcd whose working directory is hidden is not guessed', () => {
  const hidden = launched({ argv: ['etcd', '--wal-dir', 'wal'], workingDirectory: undefined });
  expect(settingsOf(hidden)).toMatchObject({ dataDir: undefined, walDir: undefined });
});

test('with discovery, nobody is said to be in the cluster', () => {
  const discovering = launched({ argv: ['etcd', '--discovery', 'https://discovery.example/1'] });
  expect(settingsOf(discovering).initialCluster).toEqual([]);
});

test('switches take no word with them, and the last of two flags counts', () => {
  const flags = readFlags([
    ...['etcd', '--client-cert-auth', '--name', 'a', '-name=b', '--new-in-4-0', '--pre-vote=false'],
    ...['--max-txn-ops', '-1', '--', '--wal-dir', '/not-read'],
  ]);
  expect(Object.fromEntries(flags)).toEqual({
    'client-cert-auth': 'true',
    name: 'b',
    'new-in-4-0': 'true',
    'pre-vote': 'false',
    'max-txn-ops': '-1',
  });
});
