import { AgentError } from '../base/agent-error.ts';
import { isErrorCode } from '../base/error-codes.ts';
import { formatBytes } from '../base/units.ts';
import type { HostFacts } from '../formats/host-facts.ts';
import type { Failure } from '../formats/identifiers.ts';
import type { Candidate } from './choose-snapshot.ts';
import type { PlanCircumstances, PlanWish } from './plan-wish.ts';

/** The restore tool writes a WAL segment and etcd preallocates the next ones: 64 MB each. */
export const WAL_BYTES = 160 * 1024 * 1024;

/**
 * Before anything else is asked of the hosts: where quorum lives, nobody has to restore for the sake of a member.
 *
 * @throws {AgentError} `GUARD_QUORUM_ALIVE`, with what brings back the hosts that have no member in it.
 */
export function refuseLivingCluster(
  { discardCurrent }: PlanWish,
  { facts, silent }: PlanCircumstances,
): void {
  const healthy = facts.filter(({ etcd }) => etcd?.hasQuorum === true);
  if (healthy.length === 0 || discardCurrent) return;
  const without = facts.filter(({ etcd }) => etcd?.hasQuorum !== true && etcd?.isLearner !== true);
  const remedies = [
    ...without.map(
      ({ agent }) => `${agent} has no member in it: \`lifeboat member rejoin\` there makes it one`,
    ),
    ...silent.map(
      ({ agent }) =>
        `the agent of ${agent} does not answer: bring it back, or where the host is lost, \`lifeboat member replace NAME\` on the one that takes its place`,
    ),
  ];
  const names = healthy.map(({ agent }) => agent).join(', ');
  throw new AgentError(
    'GUARD_QUORUM_ALIVE',
    [`the cluster still has quorum: ${names} answered a linearizable read`, ...remedies].join('; '),
  );
}

/** The hosts that take part, sorted. @throws {AgentError} `PEER_UNKNOWN`, `GUARD_HOST_ALIVE`, `GUARD_HOSTS_MISSING`. */
export function participantsOf(
  { without }: Pick<PlanWish, 'without'>,
  { agents, facts, silent }: Pick<PlanCircumstances, 'agents' | 'facts' | 'silent'>,
): HostFacts[] {
  const stranger = without.find((agent) => !agents.includes(agent));
  if (stranger !== undefined) {
    throw new AgentError(
      'PEER_UNKNOWN',
      `--without ${stranger}: the configured agents are ${agents.join(', ')}`,
    );
  }
  const alive = facts.find((host) => without.includes(host.agent));
  if (alive !== undefined) {
    throw new AgentError(
      'GUARD_HOST_ALIVE',
      `--without ${alive.agent}: its agent answers, so it is not dead`,
    );
  }
  const missing = silent.filter(({ agent }) => !without.includes(agent));
  if (missing.length > 0) {
    throw new AgentError(
      'GUARD_HOSTS_MISSING',
      missing.map(({ agent, message }) => `${agent} does not answer: ${message}`).join('; '),
      { details: { hosts: missing.map(({ agent }) => agent) } },
    );
  }
  return [...facts].sort((a, b) => (a.agent < b.agent ? -1 : 1));
}

/** @throws {AgentError} what would make a hold, a restore or a swap fail on a host. */
export function refuseUnfitHosts(facts: readonly HostFacts[]): void {
  refuseUnmovableHosts(facts);
  for (const { agent, tool, toolProblem } of facts) {
    if (toolProblem !== undefined) throw fromFailure(agent, toolProblem);
    if (tool === undefined) throw new AgentError('RESTORE_TOOL_MISSING', `${agent}: no restore tool`);
  }
}

/** @throws {AgentError} what would make a hold or a swap fail on a host, whoever made the data that is swapped in. */
export function refuseUnmovableHosts(facts: readonly HostFacts[]): void {
  for (const host of facts) {
    if (host.activeOperation !== undefined) {
      throw new AgentError(
        'OPERATION_IN_PROGRESS',
        `${host.agent} takes part in operation ${host.activeOperation}`,
      );
    }
    const [problem] = host.problems;
    if (problem !== undefined) throw fromFailure(host.agent, problem);
  }
  refuseTwins(facts, 'member name', (host) => [host.memberName]);
  refuseTwins(facts, 'peer URL', (host) => host.peerUrls);
  refuseTwins(facts, 'journal', (host) => [host.journalId]);
}

function refuseTwins(
  facts: readonly HostFacts[],
  what: string,
  of: (host: HostFacts) => readonly string[],
): void {
  const owners = new Map<string, string>();
  for (const host of facts) {
    for (const value of of(host)) {
      const other = owners.get(value);
      if (other !== undefined) {
        throw new AgentError('GUARD_LAYOUT', `${other} and ${host.agent} have the same ${what}: ${value}`);
      }
      owners.set(value, host.agent);
    }
  }
}

function fromFailure(agent: string, { code, message }: Failure): AgentError {
  return new AgentError(isErrorCode(code) ? code : 'GUARD_LAYOUT', `${agent}: ${message}`);
}

/** What a host needs on each file system. */
export function neededBytes(
  host: HostFacts,
  { manifest, holders }: Candidate,
): { data: number; snapshots: number } {
  return {
    data: manifest.sizeBytes + (host.walDir === undefined ? WAL_BYTES : 0),
    snapshots: holders.includes(host.agent) ? 0 : manifest.sizeBytes,
  };
}

export interface HostNeed {
  readonly host: HostFacts;
  readonly needed: { readonly data: number; readonly snapshots: number };
}

/** @throws {AgentError} `GUARD_SPACE` with every host that is short. */
export function refuseLittleSpace(needs: readonly HostNeed[]): void {
  const short: string[] = [];
  const check = (where: string, neededBytes: number, freeBytes: number): void => {
    if (freeBytes < neededBytes) {
      short.push(`${where} needs ${formatBytes(neededBytes)} and has ${formatBytes(freeBytes)}`);
    }
  };
  for (const { host, needed } of needs) {
    const shared = host.sharedFileSystem;
    check(
      `${host.agent} (${host.dataDir})`,
      needed.data + (shared ? needed.snapshots : 0),
      host.dataFreeBytes,
    );
    if (!shared) check(`${host.agent} (snapshots)`, needed.snapshots, host.snapshotFreeBytes);
    if (host.walDir !== undefined) check(`${host.agent} (${host.walDir})`, WAL_BYTES, host.walFreeBytes ?? 0);
  }
  if (short.length > 0) throw new AgentError('GUARD_SPACE', short.join('; '));
}
