import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, asAgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';
import { freeSpaceBytes } from '../base/free-space.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { HostFacts } from '../formats/host-facts.ts';
import type { Failure } from '../formats/identifiers.ts';
import { chooseRestoreTool } from '../restore-tool/choose-tool.ts';
import { findRestoreTools } from '../restore-tool/find-tools.ts';
import type { Catalog } from '../snapshot/catalog.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { clusterOfHost, type ClusterOfHost } from './cluster-of-host.ts';
import { readMembers, readsLinearizably } from './cluster-reads.ts';
import { etcdToRun, type EtcdLaunch, type EtcdToRun } from './etcd-to-run.ts';
import { remarksOn } from './host-remarks.ts';
import { STAGING_ROOT } from './layout.ts';
import type { LineageStore } from './lineage-store.ts';
import { pathExists } from '../base/path-exists.ts';
import { foundState, isAnswer } from './found-state.ts';
import { removeIfEmpty } from './steps/remove-if-empty.ts';

/** What the agent knows of itself and of its etcd, from its configuration. */
export interface HostIdentity extends EtcdLaunch {
  readonly agent: string;
  readonly journalId: string;
  readonly release: string;
  readonly memberName: string;
  readonly peerUrls: readonly string[];
  readonly dataDir: string;
  readonly walDir?: string;
  readonly toolPath?: string;
}

interface Inspection {
  readonly host: HostIdentity;
  readonly supervisor: Supervisor;
  readonly etcd: EtcdClient;
  readonly catalog: Catalog;
  readonly lineage: LineageStore;
  readonly activeOperation: string | undefined;
}

/** A frame is limited, and nobody restores from the two hundred and fifty-seventh newest. */
const MOST_SNAPSHOTS = 256;

/** Everything that planning needs to know of this host. Changes nothing, but for a probe directory that is gone again. */
export async function inspectHost(inspection: Inspection, signal: AbortSignal): Promise<HostFacts> {
  const { host, supervisor, catalog, lineage, activeOperation } = inspection;
  const [{ answers, ...member }, space] = await Promise.all([
    askMember(inspection, signal),
    spaceOf(inspection),
  ]);
  const willRun = await etcdToRun(host, member.etcd?.version, signal);
  const tool = await toolFor(host, willRun.version, signal);
  const { clusterId, memberId, remark } = await clusterOf(inspection, member.etcd, signal);
  const remarks = await remarksOn({ ...host, etcd: inspection.etcd, version: member.etcd?.version }, signal);
  return {
    agent: host.agent,
    journalId: host.journalId,
    release: host.release,
    memberName: host.memberName,
    peerUrls: [...host.peerUrls],
    dataDir: host.dataDir,
    ...(host.walDir === undefined ? {} : { walDir: host.walDir }),
    found: await foundState({ supervisor, dataDir: host.dataDir, answers }, signal),
    ...member,
    ...etcdFacts(willRun),
    ...tool,
    ...space,
    problems: await problemsOf(inspection, signal),
    remarks: remark === undefined ? remarks : [...remarks, remark],
    ...(activeOperation === undefined ? {} : { activeOperation }),
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(memberId === undefined ? {} : { memberId }),
    knownMembers: [...(lineage.record.members ?? [])],
    generations: [...lineage.record.generations],
    snapshots: (await catalog.list()).slice(0, MOST_SNAPSHOTS),
  };
}

async function clusterOf(
  { host, lineage }: Inspection,
  answered: HostFacts['etcd'],
  signal: AbortSignal,
): Promise<ClusterOfHost> {
  if (answered !== undefined) return { clusterId: answered.clusterId, memberId: answered.memberId };
  return await clusterOfHost({ ...host, lastSeen: lineage.record.clusterId }, signal);
}

/** What etcd says of itself; a member without quorum still says most of it. */
async function askMember(
  { etcd }: Inspection,
  signal: AbortSignal,
): Promise<Pick<HostFacts, 'etcd' | 'etcdProblem'> & { answers: boolean }> {
  let answers = false;
  try {
    const status = await etcd.status(signal);
    answers = true;
    const { members } = await readMembers(etcd, signal);
    const quorum =
      status.leaderId === undefined
        ? new AgentError('ETCD_TIMEOUT', 'the member knows no leader')
        : await readsLinearizably(etcd, signal).catch((error: unknown) => asAgentError(error));
    return {
      answers,
      etcd: {
        clusterId: status.clusterId,
        memberId: status.memberId,
        revision: status.revision,
        version: status.version,
        ...(status.isLearner ? { isLearner: true } : {}),
        members,
        hasQuorum: quorum === true,
      },
      ...(quorum === true ? {} : { etcdProblem: quorum.message }),
    };
  } catch (error) {
    return { answers: answers || isAnswer(error), etcdProblem: messageOf(error) };
  }
}

function etcdFacts({ version, path }: EtcdToRun): Pick<HostFacts, 'etcdVersion' | 'etcdPath'> {
  return {
    ...(version === undefined ? {} : { etcdVersion: version }),
    ...(path === undefined ? {} : { etcdPath: path }),
  };
}

async function toolFor(
  host: HostIdentity,
  version: string | undefined,
  signal: AbortSignal,
): Promise<Pick<HostFacts, 'tool' | 'toolProblem'>> {
  try {
    const tools = await findRestoreTools({ toolPath: host.toolPath, searchPath: host.searchPath }, signal);
    const { path, kind, version: toolVersion, canBumpRevision } = chooseRestoreTool(tools, version);
    return { tool: { path, kind, version: toolVersion, canBumpRevision } };
  } catch (error) {
    const { code, message } = asAgentError(error);
    return { toolProblem: { code, message } };
  }
}

async function spaceOf({ host, catalog }: Inspection) {
  const [dataFreeBytes, snapshotFreeBytes] = await Promise.all([
    freeSpaceBytes(host.dataDir),
    freeSpaceBytes(catalog.directory),
  ]);
  return {
    dataFreeBytes,
    snapshotFreeBytes,
    ...(host.walDir === undefined ? {} : { walFreeBytes: await freeSpaceBytes(host.walDir) }),
    sharedFileSystem: (await deviceOf(host.dataDir)) === (await deviceOf(catalog.directory)),
  };
}

async function deviceOf(path: string): Promise<number> {
  try {
    return (await stat(path)).dev;
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT' || path === '/') throw error;
    return await deviceOf(join(path, '..'));
  }
}

/** Why a hold, a stop or a swap would fail here. */
async function problemsOf({ supervisor, host }: Inspection, signal: AbortSignal): Promise<Failure[]> {
  const problems: Failure[] = [];
  const checks = [
    () => supervisor.check(signal),
    () => probeRename(host.dataDir, 'member'),
    ...(host.walDir === undefined ? [] : [() => probeRename(host.walDir ?? '', undefined)]),
  ];
  for (const check of checks) {
    try {
      await check();
    } catch (error) {
      const { code, message } = asAgentError(error, 'GUARD_LAYOUT');
      problems.push({ code, message });
    }
  }
  return problems;
}

/** A directory is made where the staging will be and renamed to where `member` is, as the swap will do it. */
async function probeRename(directory: string, entry: string | undefined): Promise<void> {
  if (!(await pathExists(directory))) return;
  if (entry !== undefined && (await pathExists(join(directory, entry)))) {
    const [inner, outer] = [await deviceOf(join(directory, entry)), await deviceOf(directory)];
    if (inner !== outer)
      throw new Error(`${join(directory, entry)} is a mount point of its own and cannot be renamed`);
  }
  const probe = join(directory, STAGING_ROOT, 'probe');
  const target = join(directory, 'member.probe');
  try {
    await mkdir(probe, { recursive: true, mode: 0o700 });
    await rename(probe, target);
  } finally {
    await rm(target, { recursive: true, force: true });
    await rm(probe, { recursive: true, force: true });
    await removeIfEmpty(join(directory, STAGING_ROOT));
  }
}
