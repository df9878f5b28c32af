import { posix } from 'node:path';
import type { ConfigSections } from './config-schema.ts';
import { readEtcdCommand, TOLD } from './etcd-command.ts';
import type { Problem } from './problem.ts';

type EtcdSection = ConfigSections['etcd'];

interface Sections {
  readonly etcd?: EtcdSection | undefined;
  readonly supervisor?: ConfigSections['supervisor'] | undefined;
}

const PATH = ['supervisor', 'command'];

/**
 * Where the command of the supervisor contradicts the section `etcd`.
 *
 * @param etcdFile - The content of the command's `--config-file`, where it could be read.
 */
export function commandProblems({ etcd, supervisor }: Sections, etcdFile?: unknown): Problem[] {
  if (etcd === undefined || supervisor?.kind !== 'process') return [];
  const { configFile, told } = readEtcdCommand(supervisor.command);
  if (configFile !== undefined) return etcdFile === undefined ? [] : fileProblems(etcd, etcdFile);
  return TOLD.flatMap(([flag, key]) => {
    const given = told.get(flag);
    if (given === undefined || isSame(etcd, key, given)) return [];
    const are = key === 'peerUrls' ? 'are' : 'is';
    return [{ path: PATH, message: `its --${flag} ${are} not etcd.${key}` }];
  });
}

/** The file is all that etcd goes by, so what it does not say is etcd's default. */
function fileProblems(etcd: EtcdSection, etcdFile: unknown): Problem[] {
  const keys = (typeof etcdFile === 'object' ? etcdFile : null) as Readonly<Record<string, unknown>> | null;
  return TOLD.flatMap(([flag, key]) => {
    const value = keys?.[flag];
    const given = typeof value === 'string' && value !== '' ? value : undefined;
    if (given === undefined ? etcd[key] === undefined : isSame(etcd, key, given)) return [];
    const found = given === undefined ? 'is not in its --config-file' : 'in its --config-file is another';
    return [{ path: PATH, message: `${flag} ${found}: etcd.${key} must be what etcd works by` }];
  });
}

/** What of the section `etcd` nobody compared with what starts etcd, and why; `undefined` when all of it was. */
export function notCompared({ etcd, supervisor }: Sections, etcdFile?: unknown): string | undefined {
  if (etcd === undefined || supervisor === undefined) return undefined;
  if (supervisor.kind !== 'process') return 'how etcd is started is not seen from here';
  const { configFile, told } = readEtcdCommand(supervisor.command);
  if (configFile !== undefined) {
    return etcdFile === undefined ? `${configFile} could not be read` : undefined;
  }
  const unseen = TOLD.filter(([flag, key]) => !told.has(flag) && etcd[key] !== undefined);
  if (unseen.length === 0) return undefined;
  const flags = unseen.map(([flag]) => `--${flag}`).join(', ');
  return `supervisor.command does not show ${flags}, which a script or the environment may set`;
}

function isSame(etcd: EtcdSection, key: (typeof TOLD)[number][1], given: string): boolean {
  if (key === 'memberName') return given === etcd.memberName;
  if (key === 'peerUrls') return sameSet(given.split(','), etcd.peerUrls);
  return posix.resolve('/', given) === etcd[key];
}

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item) => right.includes(item));
}
