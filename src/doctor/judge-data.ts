import { about, fail, ok, skipped, warn, type Check } from './check.ts';
import type { DirectoryFacts } from './probe-directory.ts';

/** File systems that lie elsewhere, and whose locks and syncs are not those of a disk. */
const REMOTE = /^(nfs\d?|cifs|smb3|9p|ceph|glusterfs|fuse\.(?!ctl).*|afs|lustre)$/;
const FLEETING = /^(tmpfs|ramfs|overlay)$/;

/** Where etcd's data is, and whether a restore can put other data in its place. */
export function judgeDirectory(facts: DirectoryFacts, etcdRuns: boolean): Check[] {
  return [placeOf(facts, etcdRuns), swapOf(facts), reflinkOf(facts)].map((check) => about(facts.path, check));
}

function placeOf(facts: DirectoryFacts, etcdRuns: boolean): Check {
  const id = 'data.directory';
  const { path, problem, mount, mode = 0 } = facts;
  if (problem !== undefined) return closedPlace(path, problem, etcdRuns);
  const found = placeWords(facts);
  if (mount?.readOnly === true) {
    return fail(
      id,
      `${found}; it is read-only for the agent`,
      'Name it in `ReadWritePaths=`: `systemctl edit lifeboat.service`. Or the disk has failed: `dmesg`.',
    );
  }
  const type = mount?.type ?? '';
  if (REMOTE.test(type)) return warn(id, found, 'etcd wants a local disk: its writes wait for it.');
  if (FLEETING.test(type)) return warn(id, found, 'What is there may not outlive a restart of the host.');
  if ((mode & 0o007) !== 0) return warn(id, found, `It holds every secret of etcd: \`chmod 700 ${path}\``);
  return ok(id, found);
}

function closedPlace(path: string, problem: string, etcdRuns: boolean): Check {
  const id = 'data.directory';
  if (problem !== 'ENOENT') {
    return fail(
      id,
      `${path} cannot be looked at: ${problem}`,
      'The agent runs as the user that etcd runs as: docs/security.md.',
    );
  }
  if (!etcdRuns) {
    return warn(
      id,
      `${path} does not exist`,
      'On a host that lost its data this is what it is. Otherwise correct the path.',
    );
  }
  return fail(
    id,
    `${path} does not exist, and etcd runs`,
    'Correct `etcd.dataDir` or `etcd.walDir`: the path is not the one that etcd uses.',
  );
}

function placeWords({ path, mount, owner = 'unknown', mode = 0, setAside }: DirectoryFacts): string {
  const where = mount === undefined ? '' : `${mount.type} of ${mount.source} at ${mount.mountPoint}, `;
  const kept = setAside.length === 0 ? '' : `, with set-aside data: ${setAside.join(', ')}`;
  return `${path}: ${where}${owner}, mode ${mode.toString(8).padStart(4, '0')}${kept}`;
}

function swapOf({ path, probe }: DirectoryFacts): Check {
  const id = 'data.swap';
  if (probe === undefined) return skipped(id, 'there is no directory to try it in');
  if (probe.memberIsMount === true) {
    return fail(
      id,
      `${path}/member is a mount point of its own, and cannot be renamed`,
      `Mount the disk at ${path} instead.`,
    );
  }
  if (probe.problem !== undefined) {
    return fail(
      id,
      `a directory cannot be made and renamed in ${path}: ${probe.problem}`,
      'It must belong to the user of the agent, and stand in `ReadWritePaths=` of its unit.',
    );
  }
  return ok(id, `a directory was made and renamed in ${path}`);
}

function reflinkOf({ path, probe }: DirectoryFacts): Check {
  const id = 'data.reflink';
  if (probe?.reflink === undefined) return skipped(id, 'it was not tried');
  return probe.reflink === 'shared'
    ? ok(id, `${path} shares blocks: a copy of the database inside it costs no time and no space`)
    : ok(id, `${path} does not share blocks: a copy of the database is written in full`);
}
