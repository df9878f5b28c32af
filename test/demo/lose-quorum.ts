import { rm } from 'node:fs/promises';
import type { LabHost } from '../support/lab-cluster.ts';
import { putInTransactions } from '../support/put-many.ts';
import { memberFacts } from './etcd-facts.ts';
import { LateWriter } from './late-writer.ts';
import { markedProcesses } from './marked-processes.ts';
import { prove, type LostCluster, type Scene } from './scene.ts';
import { until } from './until.ts';

export const FIRST_KEYS = 5000;
const LATE_KEYS_AT_LEAST = 100;

/** First half: a cluster at work, snapshots of it, and the disaster. */
export async function loseQuorum(scene: Scene): Promise<LostCluster> {
  const { shell, narrator, survivor } = scene;
  narrator.step('Three agents have started three etcds');
  await shell.lifeboat(survivor, ['status']);
  await shell.etcdctl(survivor, ['endpoint', 'status', '--cluster', '-w', 'table']);

  narrator.step(
    `${FIRST_KEYS} keys are written, and the schedule of ${scene.scheduled.name} takes a snapshot`,
  );
  const snapshotRevision = await writeAndAwaitSnapshot(scene);

  narrator.step('A client goes on writing, and h2 and h3 lose power and disks');
  const lateKeys = await cutPower(scene);
  const before = await memberFacts(shell, survivor);
  const beyond = before.revision - snapshotRevision;
  narrator.note(`${lateKeys} more keys had been acknowledged by then: the snapshot has none of them.`);
  prove(beyond >= lateKeys, 'the late keys are newer than the snapshot', `${beyond} revisions beyond it`);

  narrator.step('The hosts come back with empty disks');
  await comeBack(scene);
  return { before, snapshotRevision, lateKeys };
}

async function writeAndAwaitSnapshot({ lab, shell, narrator, survivor, scheduled }: Scene): Promise<number> {
  await putInTransactions({ endpoint: survivor.clientUrl }, FIRST_KEYS, 100);
  const { revision } = await memberFacts(shell, survivor);
  narrator.note(`The cluster is at revision ${revision}.`);
  const snapshot = await until(`a snapshot of revision ${revision} on ${scheduled.name}`, async () => {
    const { snapshots } = await lab.ask(scheduled, 'snapshot.list', {});
    return snapshots.find((taken) => taken.revision >= revision);
  });
  await shell.lifeboat(scheduled, ['snapshot', 'list']);
  return snapshot.revision;
}

/** As when the plug is pulled: nobody is asked to stop. */
async function cutPower({ directory, lab, narrator, survivor, victims }: Scene): Promise<number> {
  const etcds = await Promise.all(victims.map((host) => lab.etcdPid(host)));
  const agents = victims.map((host) => lab.agentPid(host));
  const client = new LateWriter(survivor);
  await until('the client to have written', () =>
    Promise.resolve(client.written >= LATE_KEYS_AT_LEAST ? true : undefined),
  );
  narrator.command(`kill -KILL ${[...agents, ...etcds].join(' ')}   # agents and etcds of h2, h3`);
  const ended = victims.map((host) => lab.stopAgent(host, 'SIGKILL'));
  for (const pid of etcds) process.kill(pid, 'SIGKILL');
  await Promise.all(ended);
  await until('the etcds to be gone', async () => {
    const alive = await markedProcesses(directory);
    return etcds.some((pid) => alive.includes(pid)) ? undefined : true;
  });
  narrator.command(`rm -rf ${victims.map(({ name }) => `${name}/etcd`).join(' ')}`);
  await Promise.all(victims.map(({ dataDir }) => rm(dataDir, { recursive: true })));
  return await client.ended();
}

async function comeBack(scene: Scene): Promise<void> {
  const { lab, shell, narrator, survivor, victims } = scene;
  await Promise.all(victims.map((host) => lab.startAgent(host)));
  const [first = survivor] = victims;
  const status = await shell.lifeboat(first, ['status'], { most: 8 });
  prove(
    /\bis gone, and this host was in cluster\b/.test(status.stdout),
    'h2 knows of its loss',
    status.stdout,
  );
  narrator.note(
    'Its agent does not start an etcd on nothing: two such would found a cluster without the data.',
  );
  narrator.note('The survivor alone is no majority, and takes no reads and no writes:');
  const read = await shell.etcdctl(survivor, ['--command-timeout', '1s', 'get', 'key-000000'], { most: 2 });
  prove(read.exitCode !== 0, 'quorum is lost', `a read that succeeded: ${read.stdout}`);
  await linksUp(scene, survivor);
}

async function linksUp({ lab }: Scene, host: LabHost): Promise<void> {
  await until(`${host.name} to have links to all peers`, async () => {
    const { peers } = await lab.ask(host, 'status', {});
    return peers.every(({ state }) => state === 'connected') ? true : undefined;
  });
}
