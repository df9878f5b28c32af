import { execa } from 'execa';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectEtcd } from '../../../src/etcd/client.ts';
import { expectedIdentity } from '../../../src/restore/expected-identity.ts';
import { toolEnvironment } from '../../../src/restore-tool/restore-tool.ts';
import { samplePlan } from '../../support/control-samples.ts';
import { etcdBinary } from '../../support/etcd-binaries.ts';
import { etcdctl, startEtcd } from '../../support/etcd-process.ts';
import { freePorts } from '../../support/free-port.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { fittingTool } from '../restore-tool/local-tools.ts';
import { NEVER } from './step-host.ts';

test.each([
  ['one member', 1, 1],
  ['one member with several peer URLs', 1, 3],
  ['three members', 3, 2],
])('the IDs of %s are known before the restore', async (_what, count, urlsEach) => {
  await using directory = await temporaryDirectory();
  const ports = await freePorts(count * (urlsEach + 1));
  const [model] = samplePlan().decided.hosts;
  if (model === undefined) throw new Error('a plan without hosts');
  const hosts = Array.from({ length: count }, (_, index) => ({
    ...model,
    agent: `h${index + 1}`,
    memberName: `m${index + 1}`,
    peerUrls: ports
      .slice(index * urlsEach, (index + 1) * urlsEach)
      .map((port) => `http://127.0.0.1:${port}`)
      .reverse(),
  }));
  const clusterToken = 'lifeboat-5d41402abc4b2a76';
  const snapshotPath = join(directory.path, 'snapshot.db');
  await takeSnapshot(snapshotPath);

  const found = await restoreAndAsk({
    hosts,
    clusterToken,
    snapshotPath,
    root: directory.path,
    clientPorts: ports.slice(-count),
  });

  const expected = expectedIdentity({ hosts, clusterToken });
  expect(found.clusterId).toBe(expected.clusterId);
  const byName = new Map(hosts.map(({ agent, memberName }) => [memberName, agent]));
  const ids = found.members.map(({ name, id }) => [byName.get(name), id] as const);
  expect(new Map(ids)).toEqual(expected.memberIds);
});

async function takeSnapshot(path: string): Promise<void> {
  await using etcd = await startEtcd();
  await etcdctl(etcd.endpoint, ['snapshot', 'save', path]);
}

interface Restoring {
  readonly hosts: readonly { readonly memberName: string; readonly peerUrls: readonly string[] }[];
  readonly clusterToken: string;
  readonly snapshotPath: string;
  readonly root: string;
  readonly clientPorts: readonly number[];
}

/** Restores every member with etcd's own tool, starts them, and asks the first who they are. */
async function restoreAndAsk(restoring: Restoring) {
  const members = restoring.hosts.map(({ memberName, peerUrls }, index) => {
    const endpoint = `http://127.0.0.1:${restoring.clientPorts[index] ?? 0}`;
    return { endpoint, peerUrls, flags: memberFlags(restoring, memberName, peerUrls) };
  });
  for (const { flags } of members) await restoreMember(restoring, flags);
  const started = members.map(({ endpoint, peerUrls, flags }) => {
    const listen = ['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint];
    const peer = ['--listen-peer-urls', peerUrls.join(','), '--unsafe-no-fsync'];
    return execa(etcdBinary('etcd'), [...flags, ...listen, ...peer], { reject: false, all: true });
  });
  const client = connectEtcd({ endpoint: members[0]?.endpoint ?? '', requestTimeoutMs: 2000 });
  try {
    // A member is listed without its name until it has told it to the others.
    const named = async (): Promise<boolean> =>
      (await client.members(NEVER)).members.every(({ name }) => name !== '');
    await expect.poll(() => named().catch(() => false), { timeout: 40_000 }).toBe(true);
    const { clusterId } = await client.status(NEVER);
    return { clusterId, members: (await client.members(NEVER)).members };
  } finally {
    client.close();
    for (const etcd of started) etcd.kill('SIGKILL');
    await Promise.all(started);
  }
}

function memberFlags({ hosts, root }: Restoring, name: string, peerUrls: readonly string[]): string[] {
  const cluster = hosts.flatMap((host) => host.peerUrls.map((url) => `${host.memberName}=${url}`));
  return [
    ...['--name', name, '--data-dir', join(root, name)],
    ...['--initial-cluster', cluster.join(','), '--initial-advertise-peer-urls', peerUrls.join(',')],
  ];
}

async function restoreMember(
  { snapshotPath, clusterToken }: Restoring,
  flags: readonly string[],
): Promise<void> {
  const tool = await fittingTool();
  const token = ['--initial-cluster-token', clusterToken];
  await execa(tool.path, ['snapshot', 'restore', snapshotPath, ...flags, ...token], {
    env: toolEnvironment(tool),
  });
}
