import { expect, test } from 'vitest';
import { draftText } from '../../../src/config/draft-text.ts';
import { parseConfig } from '../../../src/config/load-config.ts';
import { chooseEndpoint } from '../../../src/discovery/choose-endpoint.ts';
import { draftConfig, type DraftCircumstances } from '../../../src/discovery/draft-config.ts';
import type { ServerCertificate } from '../../../src/discovery/draft-tls.ts';
import { settingsOf } from '../../../src/discovery/etcd-settings.ts';
import type { FoundEtcd } from '../../../src/discovery/find-etcd.ts';

function found(flags: readonly string[], changes: Partial<FoundEtcd> = {}): FoundEtcd {
  const launch = { argv: ['/usr/bin/etcd', ...flags], environment: {}, workingDirectory: '/var/lib/etcd' };
  return {
    pid: 7,
    unit: 'etcd.service',
    program: '/usr/bin/etcd',
    owner: 'etcd:etcd',
    launch,
    configFile: undefined,
    settings: settingsOf(launch),
    found: [],
    unknown: [],
    ...changes,
  };
}

const ALONE: DraftCircumstances = { members: undefined, hostName: 'box.example.org', certificate: undefined };

const THREE = [
  ...['--name', 'm1', '--initial-advertise-peer-urls', 'https://a.example.org:2380'],
  '--initial-cluster=m1=https://a.example.org:2380,m2=https://b.example.org:2380,m3=https://c.example.org:2380',
  ...['--listen-client-urls', 'https://10.0.0.1:2379,https://0.0.0.0:2379', '--client-cert-auth'],
  ...['--trusted-ca-file', '/pki/ca.crt', '--cert-file', '/pki/server.crt', '--key-file', '/pki/server.key'],
];

const CERTIFICATE: ServerCertificate = {
  dnsNames: ['a.example.org'],
  isForClients: true,
  isSelfSigned: false,
  isOfTrustedCa: true,
  covers: (host) => host === 'a.example.org',
};

test('hosts of one cluster name each other alike, and the draft passes the check', () => {
  const draft = draftConfig(found(THREE), { ...ALONE, certificate: CERTIFICATE });
  expect(draft.agent).toEqual({ name: 'a.example.org' });
  expect(draft.mesh.peers).toEqual([
    { name: 'b.example.org', url: 'wss://b.example.org:7400' },
    { name: 'c.example.org', url: 'wss://c.example.org:7400' },
  ]);
  const config = parseConfig(draftText(draft), 'draft');
  expect(config).toMatchObject({
    agent: { name: 'a.example.org' },
    etcd: {
      memberName: 'm1',
      endpoint: 'https://127.0.0.1:2379',
      peerUrls: ['https://a.example.org:2380'],
      dataDir: '/var/lib/etcd/m1.etcd',
      binary: '/usr/bin/etcd',
      owner: 'etcd:etcd',
      tls: { caFile: '/pki/ca.crt', certFile: '/pki/server.crt', serverName: 'a.example.org' },
    },
    supervisor: { kind: 'systemd', unit: 'etcd.service' },
    mesh: { listen: { host: '0.0.0.0', port: 7400 } },
    snapshots: { schedule: { cron: '*/30 * * * *' } },
  });
  expect(draft.open.map(({ key }) => key)).toEqual(['etcd.tls.certFile', 'mesh.tls']);
});

test('hosts that are known by address go by the names of their members', () => {
  const flags = ['--name', 'm1', '--initial-advertise-peer-urls=http://10.0.0.1:2380'];
  const cluster = '--initial-cluster=m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380';
  const draft = draftConfig(found([...flags, cluster]), ALONE);
  expect(draft.agent.name).toBe('m1');
  expect(draft.mesh.peers).toEqual([{ name: 'm2', url: 'wss://10.0.0.2:7400' }]);
});

test('whom the cluster knows now counts for more than whom it began with', () => {
  const members = [
    { name: 'm1', peerUrls: ['https://a.example.org:2380'] },
    { name: 'm4', peerUrls: ['https://d.example.org:2380'] },
  ];
  const { mesh } = draftConfig(found(THREE), { ...ALONE, members });
  expect(mesh.peers).toEqual([{ name: 'd.example.org', url: 'wss://d.example.org:7400' }]);
});

test('a member that is alone is called like its host, and needs no certificate', () => {
  const draft = draftConfig(found([]), ALONE);
  expect(draft).toMatchObject({
    agent: { name: 'box.example.org' },
    mesh: { listen: '127.0.0.1:7400', peers: [] },
    open: [],
  });
  expect(draft.mesh.tls).toBeUndefined();
  expect(parseConfig(draftText(draft), 'draft').etcd.endpoint).toBe('http://localhost:2379');
});

test('an instance of a template has the places of its agent', () => {
  const draft = draftConfig(found([], { unit: 'etcd@b.service' }), ALONE);
  expect(draft.agent).toMatchObject({
    stateDir: '/var/lib/etcd-lifeboat-b',
    controlSocket: '/run/etcd-lifeboat-b/control.sock',
  });
});

test('an etcd that no unit runs leaves the supervisor open, and the check names just that', () => {
  const draft = draftConfig(found(['--data-dir', '/d'], { unit: undefined }), ALONE);
  expect(draft.open.map(({ key }) => key)).toEqual(['supervisor']);
  expect(() => parseConfig(draftText(draft), 'draft')).toThrow(/^draft:\d+:\d+ supervisor: is missing$/);
});

test('an agent that shall run etcd itself gets its flags, and its variables as flags', () => {
  const launch = {
    argv: ['etcd', '--name', 'm1'],
    environment: { ETCD_DATA_DIR: 'data', ETCD_UNSUPPORTED_ARCH: 'arm', HOME: '/root' },
    workingDirectory: '/srv',
  };
  const etcd = found([], { launch, settings: settingsOf(launch) });
  const draft = draftConfig(etcd, { ...ALONE, supervisor: 'process' });
  expect(draft.supervisor).toEqual({
    kind: 'process',
    command: ['/usr/bin/etcd', '--name=m1', '--data-dir=/srv/data'],
  });
});

test.each([
  ['the CA is not known', { ...CERTIFICATE, isOfTrustedCa: false }, 'etcd.tls.caFile'],
  ['etcd’s certificate is not for clients', { ...CERTIFICATE, isForClients: false }, 'etcd.tls.certFile'],
  ['the certificate has no name', { ...CERTIFICATE, dnsNames: [] }, 'etcd.tls.serverName'],
  ['it cannot be read', undefined, 'etcd.tls.certFile'],
])('where %s, the draft says so', (_, certificate, key) => {
  const { open } = draftConfig(found(THREE), { ...ALONE, certificate });
  expect(open.map((entry) => entry.key)).toContain(key);
});

test.each([
  [['http://10.0.0.1:2379', 'http://127.0.0.1:2379'], 'http://127.0.0.1:2379'],
  [['https://0.0.0.0:2379'], 'https://127.0.0.1:2379'],
  [['http://[::]:2379'], 'http://[::1]:2379'],
  [['unix:///run/etcd.sock', 'http://10.0.0.1:2379'], 'http://10.0.0.1:2379'],
  [['unix:///run/etcd.sock'], 'unix:///run/etcd.sock'],
  [['unix://m1:0'], 'unix:///var/lib/m1:0'],
  [['unixs:///run/etcd.sock'], 'unixs:///run/etcd.sock'],
  [['tcp://m1:0'], undefined],
])('of %j the agent dials %s', (urls, url) => {
  expect(chooseEndpoint(urls, '/var/lib')?.url).toBe(url);
});
