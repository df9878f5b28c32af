import { posix } from 'node:path';
import type { ConfigSections } from './config-schema.ts';
import { flagValue } from './etcd-flags.ts';
import { meshProblems } from './mesh-checks.ts';
import type { Problem } from './problem.ts';

/** The sections that are well-formed by themselves; one with a fault of its own is not compared with the others. */
export type SoundSections = { readonly [Name in keyof ConfigSections]?: ConfigSections[Name] | undefined };

/** What no single key shows: sections that contradict each other, or themselves. */
export function crossProblems(sections: SoundSections): Problem[] {
  return [
    ...endpointProblems(sections),
    ...directoryProblems(sections),
    ...snapshotDirectoryProblems(sections),
    ...commandProblems(sections),
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

function commandProblems({ etcd, supervisor }: SoundSections): Problem[] {
  if (etcd === undefined || supervisor?.kind !== 'process') return [];
  const expected = [
    ['data-dir', 'dataDir', etcd.dataDir],
    ['wal-dir', 'walDir', etcd.walDir],
    ['name', 'memberName', etcd.memberName],
  ] as const;
  const problems: Problem[] = [];
  const path = ['supervisor', 'command'];
  for (const [flag, key, value] of expected) {
    const given = flagValue(supervisor.command, flag);
    if (given === undefined) continue;
    const same = key === 'memberName' ? given === value : posix.resolve('/', given) === value;
    if (!same) problems.push({ path, message: `its --${flag} is not etcd.${key}` });
  }
  const urls = flagValue(supervisor.command, 'initial-advertise-peer-urls');
  if (urls !== undefined && !sameSet(urls.split(','), etcd.peerUrls)) {
    problems.push({ path, message: 'its --initial-advertise-peer-urls are not etcd.peerUrls' });
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

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item) => right.includes(item));
}
