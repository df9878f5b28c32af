import { stringify } from 'yaml';
import type { Host } from './host.ts';

/** What an operator writes on the hosts of one cluster. */

export const ETCD_PKI = '/etc/etcd/pki';
export const AGENT_PKI = '/etc/etcd-lifeboat/pki';
export const DATA_DIR = '/var/lib/etcd/default';

export function hostsFile(hosts: readonly Host[]): string {
  return [
    '127.0.0.1 localhost',
    ...hosts.map(({ address, name, fqdn }) => `${address} ${fqdn} ${name}`),
    '',
  ].join('\n');
}

/** /etc/default/etcd of Debian's unit: TLS with client certificates everywhere. */
export function etcdDefaults({ name, address, fqdn }: Host, hosts: readonly Host[]): string {
  const settings = {
    NAME: name,
    DATA_DIR,
    LISTEN_PEER_URLS: `https://${address}:2380`,
    LISTEN_CLIENT_URLS: `https://${address}:2379,https://127.0.0.1:2379`,
    INITIAL_ADVERTISE_PEER_URLS: peerUrlOf({ fqdn }),
    ADVERTISE_CLIENT_URLS: `https://${fqdn}:2379`,
    INITIAL_CLUSTER: hosts.map((host) => `${host.name}=${peerUrlOf(host)}`).join(','),
    INITIAL_CLUSTER_TOKEN: 'hosts',
    INITIAL_CLUSTER_STATE: 'new',
    CLIENT_CERT_AUTH: 'true',
    TRUSTED_CA_FILE: `${ETCD_PKI}/ca.pem`,
    CERT_FILE: `${ETCD_PKI}/${name}.pem`,
    KEY_FILE: `${ETCD_PKI}/${name}-key.pem`,
    PEER_CLIENT_CERT_AUTH: 'true',
    PEER_TRUSTED_CA_FILE: `${ETCD_PKI}/ca.pem`,
    PEER_CERT_FILE: `${ETCD_PKI}/${name}.pem`,
    PEER_KEY_FILE: `${ETCD_PKI}/${name}-key.pem`,
    HEARTBEAT_INTERVAL: '50',
    ELECTION_TIMEOUT: '500',
  };
  return Object.entries(settings)
    .map(([key, value]) => `ETCD_${key}=${value}\n`)
    .join('');
}

/**
 * A drop-in that lets a test keep etcd from ending, or from starting, for as long as a file is there; as any unit with
 * an ExecStop= or ExecStartPre= of its own may take its time.
 */
export const LEISURELY_ETCD = `[Service]
ExecStartPre=/bin/sh -c 'while [ -e /run/etcd-start-waits ]; do sleep 0.1; done'
ExecStop=/bin/sh -c 'while [ -e /run/etcd-stop-waits ]; do sleep 0.1; done'
`;

/** /etc/etcd-lifeboat/config.yaml. */
export function agentConfig(host: Host, hosts: readonly Host[], cron: string): string {
  const { name, fqdn } = host;
  const peers = hosts.filter((other) => other !== host);
  return stringify({
    agent: { name: fqdn },
    etcd: {
      memberName: name,
      peerUrls: [peerUrlOf(host)],
      dataDir: DATA_DIR,
      owner: 'etcd:etcd',
      endpoint: 'https://127.0.0.1:2379',
      tls: {
        caFile: `${ETCD_PKI}/ca.pem`,
        certFile: `${ETCD_PKI}/${name}.pem`,
        keyFile: `${ETCD_PKI}/${name}-key.pem`,
        serverName: fqdn,
      },
    },
    supervisor: { kind: 'systemd' },
    mesh: {
      listen: '0.0.0.0:7400',
      peers: peers.map((peer) => ({ name: peer.fqdn, url: `wss://${peer.fqdn}:7400` })),
      tls: {
        caFile: `${AGENT_PKI}/ca.pem`,
        certFile: `${AGENT_PKI}/${name}.pem`,
        keyFile: `${AGENT_PKI}/${name}-key.pem`,
      },
    },
    snapshots: { schedule: { cron, jitterSeconds: 0 } },
  });
}

function peerUrlOf({ fqdn }: Pick<Host, 'fqdn'>): string {
  return `https://${fqdn}:2380`;
}
