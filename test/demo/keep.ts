import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { etcdBinary } from '../support/etcd-binaries.ts';
import { LIFEBOAT, type LabCluster } from '../support/lab-cluster.ts';
import type { Narrator } from './narrator.ts';

/** Writes `demo.json`, for programs, and says how to play with what was left running, and how to end it. */
export async function leaveRunning(directory: string, lab: LabCluster, narrator: Narrator): Promise<void> {
  const hosts = await Promise.all(
    lab.hosts.map(async (host) => ({
      name: host.name,
      configFile: host.configFile,
      controlSocket: host.socket,
      dataDir: host.dataDir,
      clientUrl: host.clientUrl,
      agentPid: lab.agentPid(host),
      etcdPid: await lab.etcdPid(host),
    })),
  );
  const endpoints = hosts.map(({ clientUrl }) => clientUrl);
  await writeFile(
    join(directory, 'demo.json'),
    `${JSON.stringify({ directory, endpoints, hosts }, null, 2)}\n`,
  );
  const agents = hosts.map(({ agentPid }) => agentPid).join(' ');
  const [endpoint = ''] = endpoints;
  narrator.plain(
    [
      '',
      'Left running. To play with it:',
      `  cd ${directory}`,
      `  alias lifeboat='${process.execPath} ${LIFEBOAT}' etcdctl=${etcdBinary('etcdctl')}`,
      '  lifeboat --socket h1/control.sock status',
      '  lifeboat --socket h3/control.sock snapshot list',
      '  lifeboat --socket h1/control.sock restore plan --discard-current',
      `  etcdctl --endpoints ${new URL(endpoint).host} member list`,
      'Ports, process ids and paths are in demo.json.',
      'To end it (an agent that is asked to stop stops its etcd):',
      `  kill ${agents}`,
      `  rm -rf ${directory}   # when they are gone`,
    ].join('\n'),
  );
}
