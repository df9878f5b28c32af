import { access, rm, writeFile } from 'node:fs/promises';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { etcdBinary, findEtcdBinary } from '../support/etcd-binaries.ts';

interface Place {
  readonly directory: string;
}

/** A file that a script of a host looks at, so that a test decides when it goes on and never sleeps. */
interface Flag {
  set(): Promise<void>;
  clear(): Promise<void>;
  isSet(): Promise<boolean>;
}

function flag(path: string): Flag {
  return {
    set: () => writeFile(path, ''),
    clear: () => rm(path, { force: true }),
    isSet: () =>
      access(path).then(
        () => true,
        () => false,
      ),
  };
}

/** What the scripts below obey. */
export const flags = {
  /** The restore tool waits with its restore, and sets `reached` meanwhile. */
  toolWaits: (host: Place): Flag => flag(join(host.directory, 'tool-waits')),
  toolReached: (host: Place): Flag => flag(join(host.directory, 'tool-reached')),
  /** etcd exits at once on data that no operation touched yet. */
  refusesOldData: (host: Place): Flag => flag(join(host.directory, 'refuses-old-data')),
  /** etcd exits at once on restored data. */
  refusesNewData: (host: Place): Flag => flag(join(host.directory, 'refuses-new-data')),
  /** The start of etcd on restored data takes as long as this is set. */
  waitsOnNewData: (host: Place): Flag => flag(join(host.directory, 'waits-on-new-data')),
};

/** etcd exits at once from when this path is gone: an undo takes away what it goes back to, and gives it back when it fails. */
export async function refuseWithout({ directory }: Place, path: string): Promise<void> {
  await writeFile(join(directory, 'refuses-without'), path);
}

export async function refuseNothing({ directory }: Place): Promise<void> {
  await rm(join(directory, 'refuses-without'));
}

/** A restore tool that can be held up. */
export function toolThatWaits({ directory }: Place): string {
  const tool = findEtcdBinary('etcdutl') ?? etcdBinary('etcdctl');
  return script(directory, 'waiting-tool', [
    'if [ "$1 $2" = "snapshot restore" ] && [ "$3" != --help ]; then',
    `  while [ -e ${directory}/tool-waits ]; do touch ${directory}/tool-reached; sleep 0.05; done`,
    'fi',
    `exec ${tool} "$@"`,
  ]);
}

/** An etcd that can be kept from starting on old or on restored data. It has etcd's name, by which it is known again. */
export function etcdThatMayFail({ directory, dataDir }: Place & { readonly dataDir: string }): string {
  return script(directory, 'etcd', [
    `needed=$(cat ${directory}/refuses-without 2>/dev/null)`,
    '[ -z "$needed" ] || [ -e "$needed" ] || { echo "told to refuse without $needed"; exit 1; }',
    `if ls -d ${dataDir}/member.before-* >/dev/null 2>&1; then`,
    `  while [ -e ${directory}/waits-on-new-data ]; do sleep 0.05; done`,
    `  [ ! -e ${directory}/refuses-new-data ] || { echo "told to refuse the new data"; exit 1; }`,
    'else',
    `  [ ! -e ${directory}/refuses-old-data ] || { echo "told to refuse the old data"; exit 1; }`,
    'fi',
    `exec ${etcdBinary('etcd')} "$@"`,
  ]);
}

function script(directory: string, name: string, lines: readonly string[]): string {
  const path = join(directory, 'scripts', name);
  mkdirSync(join(directory, 'scripts'), { recursive: true });
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  return path;
}
