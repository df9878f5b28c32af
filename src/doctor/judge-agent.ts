import { fail, ok, skipped, warn, type Check } from './check.ts';

/** The state directory as this user finds it. */
export interface StateFacts {
  readonly path: string;
  /** Why it cannot be used: looked at, written to, synced. */
  readonly problem?: string;
  readonly missing?: boolean;
  readonly mode?: number;
  readonly isOwn?: boolean;
  readonly owner?: string;
}

/** Whether the journal can be written, and nobody else reads what is in there. */
export function judgeState(facts: StateFacts, by: 'agent' | 'command', user: string): Check {
  const id = 'agent.state';
  const { path, problem, mode = 0o700, owner = '' } = facts;
  if (facts.missing === true) {
    const found = `${path} does not exist`;
    if (by === 'command') return skipped(id, `${found} yet: the agent, or its unit, makes it`);
    return fail(
      id,
      found,
      'It was removed under the running agent. Stop it, and see what became of the disk.',
    );
  }
  if (problem !== undefined && by === 'command') {
    return skipped(id, `${path} is closed to ${user}, who is not the agent: ${problem}`);
  }
  if (problem !== undefined) {
    return fail(
      id,
      `${path} cannot be written: ${problem}`,
      `\`df ${path}\`, \`ls -ld ${path}\`: without it no restore and no snapshot.`,
    );
  }
  const found = `${path}: ${owner}, mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`;
  if ((mode & 0o077) !== 0) {
    return warn(
      id,
      `${found}; others may look in`,
      `Its snapshots hold every secret of etcd: \`chmod 700 ${path}\``,
    );
  }
  return ok(id, `${found}, a file was written and synced there`);
}

/** Whether the group that may use the control socket is there, and the agent's to give. */
export function judgeSocketGroup(group: {
  readonly name: string | undefined;
  readonly id: number | undefined;
  readonly isOurs: boolean;
  readonly by: 'agent' | 'command';
}): Check {
  const id = 'agent.socket';
  const { name } = group;
  if (name === undefined) return ok(id, "the agent's own group may use the control socket");
  if (group.id === undefined) {
    return fail(
      id,
      `there is no group ${name}`,
      `\`groupadd --system ${name}\`, or correct \`agent.controlSocketGroup\`.`,
    );
  }
  if (!group.isOurs && group.by === 'agent') {
    return fail(
      id,
      `the agent's user is not in the group ${name}, and may not give it the control socket`,
      `\`SupplementaryGroups=${name}\` in \`systemctl edit lifeboat.service\``,
    );
  }
  return ok(id, `the group ${name} may use the control socket`);
}

/** The agent's own view of its audit log: it compares the whole chain when it starts, and the end with each line. */
export function judgeAudit(facts: {
  readonly path: string;
  readonly problem?: string;
  readonly damage?: string;
  readonly head?: { readonly seq: number };
}): Check {
  const id = 'agent.audit';
  const { path, problem, damage, head } = facts;
  if (problem !== undefined) {
    return warn(id, problem, 'Restores go on without it; what it misses is in the log of the agent.');
  }
  if (damage !== undefined) {
    return warn(id, damage, '`lifeboat audit verify` says where, and docs/security.md what that means.');
  }
  const count = head === undefined ? 'nothing is in it yet' : `${head.seq} lines, which fit`;
  return ok(id, `${path}: ${count}`);
}

/** The configuration file now, beside what the agent read when it started. */
export function judgeConfig(facts: {
  readonly path: string;
  readonly problem: string | undefined;
  readonly mode: number | undefined;
  readonly changedAtMs: number | undefined;
  readonly readAtMs: number | undefined;
}): Check {
  const id = 'agent.config';
  const { path, problem, mode = 0, changedAtMs, readAtMs } = facts;
  if (problem !== undefined) return fail(id, problem, `\`lifeboat config check --config ${path}\``);
  if ((mode & 0o022) !== 0) {
    return fail(
      id,
      `${path} can be written by others than its owner: it names commands that the agent runs`,
      `\`chmod go-w ${path}\``,
    );
  }
  if (readAtMs !== undefined && changedAtMs !== undefined && changedAtMs > readAtMs) {
    return warn(
      id,
      `${path} changed after the agent had read it`,
      '`systemctl restart lifeboat.service`: etcd goes on meanwhile.',
    );
  }
  return ok(id, `${path} is valid`);
}
