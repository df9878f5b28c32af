/** The one member that a drill makes. Nobody dials its peer URL, and nothing listens there. */
export const DRILL_MEMBER = { name: 'drill', peerUrl: 'http://localhost:2380' } as const;

/**
 * Where it serves, relative to its working directory: a path of any length would not fit into a socket's address. etcd 3.4
 * wants the form of a host and a port also here (etcd-io/etcd: pkg/types/urls.go).
 */
export const CLIENT_SOCKET = 'client:1';
const PEER_SOCKET = 'peer:1';

/**
 * The flags of a throw-away etcd that is reached through a socket in its own directory and by no network. A lone member
 * waits for nobody's vote, so its elections are short.
 */
export function etcdFlags(dataDir: string): string[] {
  const { name, peerUrl } = DRILL_MEMBER;
  return [
    `--name=${name}`,
    `--data-dir=${dataDir}`,
    `--listen-client-urls=unix://${CLIENT_SOCKET}`,
    '--advertise-client-urls=http://localhost:2379',
    `--listen-peer-urls=unix://${PEER_SOCKET}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=${name}=${peerUrl}`,
    '--initial-cluster-state=new',
    '--heartbeat-interval=50',
    '--election-timeout=500',
  ];
}
