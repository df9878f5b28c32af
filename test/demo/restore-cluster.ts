import { countKeys, memberFacts, type MemberFacts } from './etcd-facts.ts';
import { lateKey } from './late-writer.ts';
import { FIRST_KEYS } from './lose-quorum.ts';
import { prove, type LostCluster, type Scene } from './scene.ts';

/** Second half: the plan, the restore, and what etcd itself says of the result. */
export async function restoreCluster(scene: Scene, lost: LostCluster): Promise<void> {
  const { shell, narrator, survivor } = scene;
  narrator.step('What would a restore do?');
  const plan = await shell.lifeboat(survivor, ['restore', 'plan']);
  const hash = /restore run --confirm ([0-9a-f]{64})/.exec(plan.stdout)?.[1];
  if (hash === undefined) throw new Error('there is no plan to confirm');
  narrator.note('');
  narrator.note(
    `${survivor.name} still has all of it: \`lifeboat snapshot save\` there, and a plan after that, would lose`,
  );
  narrator.note('nothing. The demo restores what the schedule took, as if no member were left.');

  narrator.step('Restore: one command, carried out by the agents of all hosts over their WebSocket links');
  const exitStatus = await shell.lifeboatLive(survivor, ['restore', 'run', '--confirm', hash]);
  prove(exitStatus === 0, 'the restore went through', `exit status ${exitStatus}`);

  narrator.step('Ask etcd itself');
  const facts = await equalMembers(scene);
  await proveIdentity(scene, facts, lost);
  await proveContent(scene, lost);
}

/** All members at one revision with one hash, asked for until the last one has caught up. */
async function equalMembers({ lab, shell, survivor }: Scene): Promise<MemberFacts> {
  await shell.etcdctl(survivor, ['endpoint', 'status', '--cluster', '-w', 'table']);
  await shell.etcdctl(survivor, ['endpoint', 'hashkv', '--cluster']);
  const all = await Promise.all(lab.hosts.map((host) => memberFacts(shell, host)));
  const [first] = all;
  if (first === undefined) throw new Error('the lab has no hosts');
  const words = all.map((facts) => JSON.stringify(facts));
  prove(new Set(words).size === 1, 'all members serve the same keyspace', words.join(' '));
  return first;
}

async function proveIdentity(
  { lab, shell, narrator, survivor }: Scene,
  facts: MemberFacts,
  lost: LostCluster,
): Promise<void> {
  narrator.proof(
    `HashKV is ${facts.hashKv} on all ${lab.hosts.length} members, at revision ${facts.revision}`,
  );
  prove(facts.clusterId !== lost.before.clusterId, 'the cluster is a new one', facts.clusterId);
  narrator.proof(`the cluster ID is ${facts.clusterId}; it was ${lost.before.clusterId}`);
  const status = JSON.stringify(await shell.lifeboatJson(survivor, ['restore', 'status']));
  const bump = Number(/"revisionBump":(\d+)/.exec(status)?.[1] ?? 0);
  const planned = lost.snapshotRevision + bump;
  prove(facts.revision === planned, `the revision is ${planned}, as planned`, String(facts.revision));
  const revisions = lost.before.revision - lost.snapshotRevision;
  prove(status.includes(`"lostRevisions":${revisions},`), 'the loss was told as it is', status);
  narrator.proof(
    `lost: ${revisions} revisions, ${lost.snapshotRevision + 1} to ${lost.before.revision}, as the plan had said`,
  );
}

async function proveContent({ shell, narrator, survivor }: Scene, lost: LostCluster): Promise<void> {
  const earlyKey = `key-${String(FIRST_KEYS - 1).padStart(6, '0')}`;
  const early = await shell.etcdctl(survivor, ['get', earlyKey, '--keys-only']);
  prove(early.stdout.includes(earlyKey), 'a key from before the snapshot is there', early.stdout);
  const last = lateKey(lost.lateKeys - 1);
  const late = await shell.etcdctl(survivor, ['get', last, '--keys-only']);
  prove(late.exitCode === 0 && late.stdout === '', 'a key from after the snapshot is gone', late.stdout);
  const keys = await countKeys(shell, survivor, 'key-');
  prove(keys === FIRST_KEYS, 'every key of the snapshot is there', String(keys));
  narrator.proof(`all ${keys} keys of the snapshot are there; ${last}, written after it, is not`);
  const put = await shell.etcdctl(survivor, ['put', 'restored', 'yes']);
  prove(put.exitCode === 0, 'the cluster takes writes', put.stderr);
}
