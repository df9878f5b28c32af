import { posix } from 'node:path';
import { commandProblems } from './command-checks.ts';
import type { ConfigSections } from './config-schema.ts';
import { meshProblems } from './mesh-checks.ts';
import type { Problem } from './problem.ts';

/** The sections that are well-formed by themselves; one with a fault of its own is not compared with the others. */
export type SoundSections = { readonly [Name in keyof ConfigSections]?: ConfigSections[Name] | undefined };

/**
 * What no single key shows: sections that contradict each other, or themselves.
 *
 * @param etcdFile - See `commandProblems`.
 */
export function crossProblems(sections: SoundSections, etcdFile?: unknown): Problem[] {
  return [
    ...endpointProblems(sections),
    ...directoryProblems(sections),
    ...snapshotDirectoryProblems(sections),
    ...commandProblems(sections, etcdFile),
    ...meshProblems(sections),
    ...monitoringProblems(sections),
  ];
}

function monitoringProblems({ mesh, monitoring }: SoundSections): Problem[] {
  if (mesh === undefined || !monitoring?.enabled || monitoring.listen.port !== mesh.listen.port) return [];
  return [{ path: ['monitoring', 'listen'], message: 'must have another port than mesh.listen' }];
}

function endpointProblems({ etcd }: SoundSections): Problem[] {
  if (etcd === undefined) return [];
  const scheme = etcd.endpoint.slice(0, etcd.endpoint.indexOf(':'));
  const secure = ['https', 'unixs'].includes(scheme);
  if (secure === (etcd.tls !== undefined)) return [];
  return secure
    ? [{ path: ['etcd', 'tls'], message: `is missing: etcd.endpoint is ${scheme}` }]
    : [{ path: ['etcd', 'tls'], message: `has no effect: etcd.endpoint is ${scheme}` }];
}

function directoryProblems({ agent, etcd }: SoundSections): Problem[] {
  const problems: Problem[] = [];
  if (etcd?.walDir !== undefined && overlapsData(etcd.dataDir, etcd.walDir)) {
    problems.push({
      path: ['etcd', 'walDir'],
      message:
        'must be apart from etcd.dataDir and its member directory; leave it out when etcd has no --wal-dir',
    });
  }
  if (isInEtcdDirectory(agent?.stateDir, etcd)) {
    problems.push({ path: ['agent', 'stateDir'], message: 'must not be inside a directory of etcd' });
  }
  return problems;
}

function snapshotDirectoryProblems({ agent, etcd, snapshots }: SoundSections): Problem[] {
  const path = ['snapshots', 'directory'];
  const problems: Problem[] = [];
  if (isInEtcdDirectory(snapshots?.directory, etcd)) {
    problems.push({
      path,
      message: 'must not be inside a directory of etcd: what destroys that would destroy the snapshots too',
    });
  }
  if (agent !== undefined && snapshots?.directory === agent.stateDir) {
    problems.push({ path, message: 'must be a directory of its own, not agent.stateDir' });
  }
  return problems;
}

function overlapsData(dataDir: string, walDir: string): boolean {
  return (
    dataDir === walDir || isAtOrBelow(walDir, posix.join(dataDir, 'member')) || isAtOrBelow(dataDir, walDir)
  );
}

function isInEtcdDirectory(path: string | undefined, etcd: SoundSections['etcd']): boolean {
  if (path === undefined || etcd === undefined) return false;
  return [etcd.dataDir, etcd.walDir].some(
    (directory) => directory !== undefined && isAtOrBelow(path, directory),
  );
}

function isAtOrBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}
