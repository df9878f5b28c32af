import { AgentError, asAgentError, messageOf } from '../base/agent-error.ts';
import { runningEtcd, type FoundEtcd } from '../discovery/find-etcd.ts';
import { etcdVersion } from '../restore-tool/etcd-version.ts';
import { processesUsing, type FileUser } from '../supervisor/open-files.ts';
import { hasProcess, type EtcdState } from '../supervisor/supervisor.ts';
import type { MemberFacts } from './judge-member.ts';
import type { DoctorSubject } from './subject.ts';

/** What several checks look at: gathered once. What could not be asked is an error here, and a finding of its check. */
export interface EtcdSeen {
  readonly state: EtcdState | AgentError;
  /** Of the etcd that writes to the data directory, whoever started it. */
  readonly pid: number | undefined;
  readonly users: readonly FileUser[] | AgentError;
  readonly member: MemberFacts;
  readonly program: { readonly version: string | undefined; readonly problem?: string };
  readonly process: FoundEtcd | AgentError | undefined;
}

export async function gatherEtcd(subject: DoctorSubject, signal: AbortSignal): Promise<EtcdSeen> {
  const { config, supervisor, searchPath } = subject;
  const directories = [
    config.etcd.dataDir,
    ...(config.etcd.walDir === undefined ? [] : [config.etcd.walDir]),
  ];
  // Before etcd is asked for its version: that, too, is a process named etcd.
  const users = await orError(() => processesUsing(directories));
  const [state, member, program] = await Promise.all([
    'unknown' in supervisor
      ? new AgentError('SUPERVISOR_FAILED', supervisor.unknown)
      : orError(() => supervisor.state(signal)),
    askMember(subject, signal),
    programOf({ etcdPath: config.etcd.binary, searchPath }, signal),
  ]);
  const pid = pidOf(state, users);
  return {
    state,
    pid,
    users,
    member,
    program,
    process:
      pid === undefined ? undefined : await orError(() => runningEtcd(pid, discovery(subject, signal))),
  };
}

/** The version that the member says, or else its program. */
export function versionOf({ member, program }: EtcdSeen): string | undefined {
  return member.version ?? program.version;
}

function discovery({ config, parseYaml }: DoctorSubject, signal: AbortSignal) {
  const named = config.supervisor.kind === 'systemd' ? config.supervisor.systemctl : undefined;
  return { parseYaml, systemctl: named ?? 'systemctl', signal };
}

function pidOf(state: EtcdSeen['state'], users: EtcdSeen['users']): number | undefined {
  const writer = Array.isArray(users)
    ? (users as FileUser[]).find(({ writing, pid }) => writing && pid > 0)
    : undefined;
  if (writer !== undefined) return writer.pid;
  return state instanceof AgentError || !hasProcess(state) ? undefined : state.pid;
}

async function askMember({ etcd, config }: DoctorSubject, signal: AbortSignal): Promise<MemberFacts> {
  try {
    const status = await etcd.status(signal);
    const name = await nameOf(etcd, status.memberId, signal);
    return {
      version: status.version,
      revision: status.revision,
      dbSizeBytes: status.dbSizeBytes,
      isLearner: status.isLearner,
      errors: status.errors,
      ...(name === undefined ? {} : { name }),
      ...(await quorumOf(etcd, signal)),
    };
  } catch (thrown) {
    const { message, hint } = asAgentError(thrown);
    return { problem: `${config.etcd.endpoint}: ${message}`, hint, errors: [] };
  }
}

/** Without quorum, and of a learner, the list of members may not be had; then nobody doubts the name. */
async function nameOf(
  etcd: DoctorSubject['etcd'],
  memberId: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { members } = await etcd.members(signal);
    return members.find(({ id }) => id === memberId)?.name;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

async function quorumOf(
  etcd: DoctorSubject['etcd'],
  signal: AbortSignal,
): Promise<Pick<MemberFacts, 'quorumProblem'>> {
  try {
    await etcd.range({ key: 'lifeboat', countOnly: true, serializable: false }, signal);
    return {};
  } catch (error) {
    // etcd refuses a permission after consensus, so that was a linearizable read too.
    if (error instanceof AgentError && error.details['grpcStatus'] === 'PERMISSION_DENIED') return {};
    return { quorumProblem: messageOf(error) };
  }
}

async function programOf(
  search: { readonly etcdPath: string | undefined; readonly searchPath: string },
  signal: AbortSignal,
): Promise<EtcdSeen['program']> {
  try {
    return { version: await etcdVersion(search, signal) };
  } catch (error) {
    return { version: undefined, problem: messageOf(error) };
  }
}

async function orError<T>(look: () => Promise<T>): Promise<T | AgentError> {
  try {
    return await look();
  } catch (error) {
    return asAgentError(error);
  }
}
