import { basename } from 'node:path/posix';
import { flagValue } from './etcd-flags.ts';

/** What a member is told of itself: the flag's name, and our key for the same thing. */
export const TOLD = [
  ['name', 'memberName'],
  ['data-dir', 'dataDir'],
  ['wal-dir', 'walDir'],
  ['initial-advertise-peer-urls', 'peerUrls'],
] as const;

/** What the command of the supervisor `process` shows of etcd's settings. */
export interface EtcdCommand {
  /** etcd then ignores every flag and variable (etcd-io/etcd: server/etcdmain/config.go). */
  readonly configFile: string | undefined;
  /** By the flag's name; from a flag, or from a variable that `env` sets in front of etcd. A flag counts more. */
  readonly told: ReadonlyMap<string, string>;
}

/**
 * Reads `etcd --flags`, `etcd --config-file FILE` and `env ETCD_NAME=… etcd`. What a script or the agent's own environment
 * says is not seen here.
 */
export function readEtcdCommand(command: readonly string[]): EtcdCommand {
  const { variables, words } = withoutEnv(command);
  const tell = (flag: string): string | undefined =>
    flagValue(words, flag) ?? variables.get(`ETCD_${flag.toUpperCase().replaceAll('-', '_')}`);
  const told = new Map<string, string>();
  for (const [flag] of TOLD) {
    const value = tell(flag);
    if (value !== undefined) told.set(flag, value);
  }
  return { configFile: tell('config-file'), told };
}

/** The variables that env(1) sets, and the words behind them. */
export function withoutEnv(command: readonly string[]): {
  variables: ReadonlyMap<string, string>;
  words: readonly string[];
} {
  const variables = new Map<string, string>();
  if (basename(command[0] ?? '') !== 'env') return { variables, words: command };
  for (const [index, word] of command.entries()) {
    if (index === 0 || word.startsWith('-')) continue;
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(word) ?? [];
    if (name === undefined || value === undefined) return { variables, words: command.slice(index) };
    variables.set(name, value);
  }
  return { variables, words: [] };
}
