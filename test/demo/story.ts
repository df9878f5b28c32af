import { execa } from 'execa';
import { etcdBinary } from '../support/etcd-binaries.ts';
import { LIFEBOAT, startLab, type LabCluster } from '../support/lab-cluster.ts';
import { loseQuorum } from './lose-quorum.ts';
import { MARK } from './marked-processes.ts';
import type { Narrator } from './narrator.ts';
import { restoreCluster } from './restore-cluster.ts';
import { Shell } from './shell.ts';

/**
 * Only h3 has a schedule: it loses its etcd like h2, so that the newest snapshot is older than what the survivor
 * holds. Every five seconds, on the second.
 */
const SCHEDULE = { cron: '*/5 * * * * *', jitterSeconds: 0 };

/** The whole demo, from nothing to a restored cluster. Rejects as soon as anything is not as it should be. */
export async function tellStory(directory: string, narrator: Narrator): Promise<LabCluster> {
  await introduce(directory, narrator);
  const lab = await startLab({
    hosts: 3,
    directory,
    overrides: ({ name }) => (name === 'h3' ? { snapshots: { schedule: SCHEDULE } } : {}),
    env: { [MARK]: directory },
    agentsOutlive: true,
  });
  await lab.untilHealthy();
  const [survivor, ...victims] = [lab.host(0), lab.host(1), lab.host(2)];
  const shell = new Shell(directory, narrator);
  const scene = { directory, lab, shell, narrator, survivor, victims, scheduled: lab.host(2) };
  const lost = await loseQuorum(scene);
  await restoreCluster(scene, lost);
  return lab;
}

async function introduce(directory: string, narrator: Narrator): Promise<void> {
  const { stdout } = await execa(etcdBinary('etcd'), ['--version']);
  const version = /etcd Version: (\S+)/.exec(stdout)?.[1] ?? 'unknown';
  narrator.plain(
    [
      `etcd-lifeboat: three members of etcd ${version} on loopback, with an agent beside each.`,
      `Everything happens in ${directory}, where these commands are typed.`,
      `\`lifeboat\` is \`${process.execPath} ${LIFEBOAT}\`; --socket says whose agent is asked.`,
    ].join('\n'),
  );
}
