import { isAbsolute } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import { describeTool, type RestoreTool } from './restore-tool.ts';

interface ClusterMember {
  readonly name: string;
  readonly peerUrls: readonly string[];
}

/** What one member's data dir is made from and for. Everything but the name and the URLs is the same on all hosts. */
export interface RestoreArguments {
  readonly snapshotPath: string;
  readonly name: string;
  /** All members, this one included. */
  readonly initialCluster: readonly ClusterMember[];
  /** Used for no cluster before: a reused one lets an unrestored member back in with other data. */
  readonly initialClusterToken: string;
  readonly initialAdvertisePeerUrls: readonly string[];
  readonly dataDir: string;
  readonly walDir?: string | undefined;
  /** For a copied database, which has no trailer. A trailer that is there is then cut off unchecked. */
  readonly skipHashCheck: boolean;
  /** Added to the snapshot's revision, and everything up to there is marked compacted, so that old watches end. */
  readonly bumpRevision?: number | undefined;
}

/**
 * The command line of `snapshot restore`, without the program. Values are written as `--flag=value`, so that none
 * can be taken for a flag.
 *
 * @throws {AgentError} `RESTORE_TOOL_UNFIT` when the tool lacks a flag that is needed; `CONFIG_INVALID` for values that
 *   etcd's `name=url,name=url` cannot carry, relative paths, or a member that is not in the cluster it is made for.
 */
export function restoreArguments(tool: RestoreTool, request: RestoreArguments): string[] {
  requireAbilities(tool, request);
  requireSoundValues(request);
  return [
    'snapshot',
    'restore',
    request.snapshotPath,
    `--name=${request.name}`,
    `--initial-cluster=${request.initialCluster.flatMap(pairs).join(',')}`,
    `--initial-cluster-token=${request.initialClusterToken}`,
    `--initial-advertise-peer-urls=${request.initialAdvertisePeerUrls.join(',')}`,
    `--data-dir=${request.dataDir}`,
    ...(request.walDir === undefined ? [] : [`--wal-dir=${request.walDir}`]),
    ...(request.skipHashCheck ? ['--skip-hash-check'] : []),
    ...(isBumped(request) ? [`--bump-revision=${request.bumpRevision}`, '--mark-compacted'] : []),
  ];
}

function isBumped(request: RestoreArguments): request is RestoreArguments & { bumpRevision: number } {
  return request.bumpRevision !== undefined && request.bumpRevision !== 0;
}

function pairs(member: ClusterMember): string[] {
  return member.peerUrls.map((url) => `${member.name}=${url}`);
}

function requireAbilities(tool: RestoreTool, request: RestoreArguments): void {
  const needed: [boolean, boolean, string][] = [
    [true, tool.canRestore, 'snapshot restore'],
    [request.skipHashCheck, tool.canSkipHashCheck, '--skip-hash-check'],
    [request.walDir !== undefined, tool.canSetWalDir, '--wal-dir'],
    [isBumped(request), tool.canBumpRevision, '--bump-revision with --mark-compacted'],
  ];
  const lacking = needed.filter(([isNeeded, isThere]) => isNeeded && !isThere).map(([, , flag]) => flag);
  if (lacking.length === 0) return;
  throw new AgentError('RESTORE_TOOL_UNFIT', `${describeTool(tool)} lacks ${lacking.join(', ')}`, {
    details: { lacking },
  });
}

function requireSoundValues(request: RestoreArguments): void {
  const problem = [...pathProblems(request), ...clusterProblems(request)][0];
  if (problem !== undefined) throw new AgentError('CONFIG_INVALID', problem);
}

function pathProblems(request: RestoreArguments): string[] {
  const { snapshotPath, dataDir, walDir } = request;
  const paths = [snapshotPath, dataDir, ...(walDir === undefined ? [] : [walDir])];
  return paths.filter((path) => !isAbsolute(path)).map((path) => `"${path}" is not an absolute path`);
}

function clusterProblems(request: RestoreArguments): string[] {
  const own = request.initialCluster.find((member) => member.name === request.name);
  const names = request.initialCluster.map((member) => member.name);
  const problems = request.initialCluster.flatMap(memberProblems);
  if (new Set(names).size !== names.length)
    problems.push(`a member name is there twice: ${names.join(', ')}`);
  if (!sameSet(own?.peerUrls ?? [], request.initialAdvertisePeerUrls)) {
    const advertised = request.initialAdvertisePeerUrls.join(', ');
    problems.push(`${request.name} would advertise "${advertised}", and the cluster knows it otherwise`);
  }
  if (request.initialClusterToken === '') problems.push('the cluster token is empty');
  const bump = request.bumpRevision ?? 0;
  if (!Number.isSafeInteger(bump) || bump < 0) problems.push(`the revision cannot be raised by ${bump}`);
  return problems;
}

function memberProblems({ name, peerUrls }: ClusterMember): string[] {
  const problems = peerUrls
    .filter((url) => !/^https?:\/\/[^\s,=]+$/.test(url))
    .map((url) => `"${url}" of the member ${name} is not a peer URL`);
  if (!/^[^\s,=]+$/.test(name)) problems.push(`"${name}" cannot be a member name in --initial-cluster`);
  if (peerUrls.length === 0) problems.push(`the member ${name} has no peer URL`);
  return problems;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return [...a].sort().join('\n') === [...b].sort().join('\n');
}
