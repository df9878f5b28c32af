import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { parseConfig } from '../../../src/config/load-config.ts';

const AGENT = { name: 'host1' };
const ETCD = {
  memberName: 'm1',
  endpoint: 'http://127.0.0.1:2379',
  peerUrls: ['http://10.0.0.1:2380'],
  dataDir: '/var/lib/etcd',
};
const SYSTEMD = { kind: 'systemd' };
const TLS = { caFile: '/c/ca.pem', certFile: '/c/cert.pem', keyFile: '/c/key.pem' };
const PEERS = [{ name: 'host2', url: 'ws://127.0.0.1:7401' }];
const REMOTE = [{ name: 'host2', url: 'wss://10.0.0.2:7400' }];

const process = (...flags: string[]): object => ({ kind: 'process', command: ['/usr/bin/etcd', ...flags] });

interface Sections {
  readonly agent?: object;
  readonly etcd?: object;
  readonly supervisor?: object;
  readonly mesh?: object;
  readonly monitoring?: object;
  readonly snapshots?: object;
}

test.each<[string, Sections]>([
  ['agents on loopback with a secret', { mesh: { peers: PEERS, secretFile: '/etc/secret' } }],
  ['agents that speak TLS', { mesh: { listen: '0.0.0.0:7400', peers: REMOTE, tls: TLS } }],
  ['an agent alone', { mesh: { listen: '[::1]:7400' } }],
  ['no monitoring', { monitoring: { enabled: false, listen: '127.0.0.1:7400' } }],
  ['monitoring on all addresses', { monitoring: { listen: '0.0.0.0:9100' } }],
  ['a WAL directory beside the member', { etcd: { ...ETCD, walDir: '/var/lib/etcd/wal' } }],
  [
    'a command whose flags say the same in other words',
    {
      supervisor: process(
        '--data-dir=/var/lib//etcd/',
        '-name',
        'm1',
        '--initial-advertise-peer-urls=http://10.0.0.1:2380',
      ),
    },
  ],
  [
    'a command that sets the environment of etcd',
    { supervisor: { kind: 'process', command: ['/usr/bin/env', '-i', 'ETCD_NAME=m1', '/usr/bin/etcd'] } },
  ],
  [
    'flags that a configuration file makes void',
    { supervisor: process('--config-file=/nowhere/etcd.yaml', '--name=m2') },
  ],
  ['a command that leaves it to the environment', { supervisor: process() }],
  [
    "a Unix socket of etcd's, whose name looks like an address on 3.4",
    { etcd: { ...ETCD, endpoint: 'unix:///run/etcd/localhost:2379' } },
  ],
  [
    'a Unix socket with TLS',
    { etcd: { ...ETCD, endpoint: 'unixs:///run/etcd.sock', tls: { caFile: '/c/ca.pem' } } },
  ],
  [
    'an endpoint with TLS',
    { etcd: { ...ETCD, endpoint: 'https://localhost:2379', tls: { caFile: '/c/ca.pem' } } },
  ],
])('%s is accepted', (_, sections) => {
  expect(problemsOf(sections)).toEqual([]);
});

test.each<[string, Sections, string]>([
  [
    'listening beyond loopback without TLS',
    { mesh: { listen: '0.0.0.0:7400' } },
    'mesh.listen: must be a loopback address unless mesh.tls is given',
  ],
  [
    'monitoring on the port of the mesh',
    { monitoring: { listen: '127.0.0.1:7400' } },
    'monitoring.listen: must have another port than mesh.listen',
  ],
  ['peers without TLS and without a secret', { mesh: { peers: PEERS } }, 'mesh.secretFile: is missing'],
  [
    'a remote peer without TLS',
    { mesh: { peers: [{ name: 'host2', url: 'ws://10.0.0.2:7400' }], secretFile: '/s' } },
    'mesh.peers.0.url: must be ws:// to a loopback address',
  ],
  [
    'a peer by wss without TLS of our own',
    { mesh: { peers: [{ name: 'host2', url: 'wss://127.0.0.1:7400' }], secretFile: '/s' } },
    'mesh.peers.0.url: must be ws:// to a loopback address',
  ],
  ['a peer by ws with TLS', { mesh: { peers: PEERS, tls: TLS } }, 'mesh.peers.0.url: must be wss://'],
  [
    'a secret beside TLS',
    { mesh: { peers: REMOTE, tls: TLS, secretFile: '/s' } },
    'mesh.secretFile: has no effect',
  ],
  [
    'itself among its peers',
    { mesh: { tls: TLS, peers: [{ name: 'host1', url: 'wss://h:7400' }] } },
    'mesh.peers.0.name: is agent.name',
  ],
  [
    'one peer twice',
    { mesh: { tls: TLS, peers: [...REMOTE, { name: 'host2', url: 'wss://h:7400' }] } },
    'mesh.peers.1.name: names a peer that is listed above',
  ],
  [
    'two peers at one address',
    { mesh: { tls: TLS, peers: [...REMOTE, { ...REMOTE[0], name: 'host3' }] } },
    'mesh.peers.1.url: is the URL of a peer that is listed above',
  ],
  [
    'a command for another data directory',
    { supervisor: process('--data-dir', '/var/lib/other') },
    'supervisor.command: its --data-dir is not etcd.dataDir',
  ],
  [
    'an environment for another data directory',
    {
      supervisor: {
        kind: 'process',
        command: ['/usr/bin/env', 'ETCD_DATA_DIR=/b', '/usr/bin/etcd', '--name=m1'],
      },
    },
    'supervisor.command: its --data-dir is not etcd.dataDir',
  ],
  [
    'a command whose last flag counts',
    { supervisor: process('--data-dir=/var/lib/etcd', '--data-dir=/b') },
    'supervisor.command: its --data-dir is not etcd.dataDir',
  ],
  [
    'a command with a WAL directory that the section lacks',
    { supervisor: process('--wal-dir=/wal') },
    'supervisor.command: its --wal-dir is not etcd.walDir',
  ],
  [
    'a command for another member',
    { supervisor: process('--name=m2') },
    'supervisor.command: its --name is not etcd.memberName',
  ],
  [
    'a command that advertises another URL',
    { supervisor: process('--initial-advertise-peer-urls=http://10.0.0.9:2380') },
    'supervisor.command: its --initial-advertise-peer-urls are not etcd.peerUrls',
  ],
  [
    'one directory for data and WAL',
    { etcd: { ...ETCD, walDir: '/var/lib/etcd/' } },
    'etcd.walDir: must be apart',
  ],
  [
    'the default WAL directory by name',
    { etcd: { ...ETCD, walDir: '/var/lib/etcd/member/wal' } },
    'etcd.walDir: must be apart',
  ],
  [
    "a state directory inside etcd's",
    { agent: { ...AGENT, stateDir: '/var/lib/etcd/boat' } },
    'agent.stateDir: must not be inside',
  ],
  [
    "snapshots inside etcd's directory",
    { snapshots: { directory: '/var/lib/etcd/snapshots' } },
    'snapshots.directory: must not be inside',
  ],
  [
    'snapshots in the state directory itself',
    { snapshots: { directory: '/var/lib/etcd-lifeboat' } },
    'snapshots.directory: must be a directory of its own',
  ],
  [
    'a relative Unix socket',
    { etcd: { ...ETCD, endpoint: 'unix://etcd.sock' } },
    'etcd.endpoint: must be http://host:port',
  ],
  [
    'a Unix socket without TLS, and certificates for it',
    { etcd: { ...ETCD, endpoint: 'unix:///run/etcd.sock', tls: { caFile: '/ca' } } },
    'etcd.tls: has no effect: etcd.endpoint is unix',
  ],
  ['https without a CA', { etcd: { ...ETCD, endpoint: 'https://h:2379' } }, 'etcd.tls: is missing'],
  ['http with a CA', { etcd: { ...ETCD, tls: { caFile: '/ca' } } }, 'etcd.tls: has no effect'],
  [
    'a certificate without its key',
    { etcd: { ...ETCD, endpoint: 'https://h:2379', tls: { caFile: '/ca', certFile: '/c' } } },
    'etcd.tls: certFile and keyFile go together',
  ],
  [
    'a command that is looked up',
    { supervisor: { kind: 'process', command: ['etcd'] } },
    'supervisor.command.0: must begin with the absolute path',
  ],
  [
    'a control socket that the kernel would refuse',
    { agent: { ...AGENT, controlSocket: `/run/${'x'.repeat(110)}` } },
    'agent.controlSocket: must be at most 107 bytes',
  ],
  [
    'waits that shrink',
    {
      supervisor: {
        kind: 'process',
        command: ['/usr/bin/etcd'],
        restartBackoff: { firstSeconds: 9, longestSeconds: 3 },
      },
    },
    'supervisor.restartBackoff.longestSeconds: must be at least firstSeconds',
  ],
  [
    'a path with a way up',
    { etcd: { ...ETCD, dataDir: '/var/lib/../etcd' } },
    'etcd.dataDir: must not hold `.` or `..` as a part',
  ],
])('%s is refused', (_, sections, expected) => {
  const problems = problemsOf(sections);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(` ${expected}`);
});

test('a fault in one section does not hide what the others contradict', () => {
  const problems = problemsOf({ snapshots: { keep: 0 }, mesh: { listen: '0.0.0.0:7400' } });
  expect(problems.map((line) => line.split(' ')[1])).toEqual(['snapshots.keep:', 'mesh.listen:']);
});

function problemsOf(sections: Sections): readonly string[] {
  try {
    parseConfig(JSON.stringify({ agent: AGENT, etcd: ETCD, supervisor: SYSTEMD, ...sections }), 'c.yaml');
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'CONFIG_INVALID') throw error;
    return error.message.split('\n');
  }
  return [];
}
