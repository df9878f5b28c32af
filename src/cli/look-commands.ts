import { tmpdir } from 'node:os';
import type { Command } from 'commander';
import { keyOfText } from '../mvcc/key-text.ts';
import type { RunInSession } from './run-in-session.ts';
import { wholeNumber } from './whole-number.ts';

const SNAPSHOT = 'an ID, latest, or the path of a file';
const PREFIX_OPTION = [
  '--prefix <text>',
  'only keys that begin with it, written as `keys` shows them',
] as const;
const REVISION_OPTION = ['--revision <n>', 'as it was at this revision (default: the newest)'] as const;
const SCRATCH_OPTION = [
  '--scratch <directory>',
  'where names of keys are sorted that do not fit into memory (default: TMPDIR, else /tmp)',
] as const;
const MOST_PREFIXES_SHOWN = 1000;
const DEEPEST_PREFIX = 32;

interface KeyOptions {
  readonly prefix?: string;
  readonly revision?: string;
  readonly limit?: string;
  readonly scratch?: string;
}

/** The commands that only look into a snapshot. They ask no agent. */
export function addLookCommands(snapshot: Command, run: RunInSession): void {
  addInspect(snapshot, run);
  addKeys(snapshot, run);
  addGet(snapshot, run);
  addDiff(snapshot, run);
}

function addInspect(snapshot: Command, run: RunInSession): void {
  snapshot
    .command('inspect')
    .description('prove a snapshot, and tell what it is and what it holds; needs no agent and no etcd')
    .argument('<snapshot>', SNAPSHOT)
    .option('--top <n>', 'also the largest prefixes of keys, by bytes and by revisions')
    .option('--depth <n>', 'how many slashes such a prefix has at most', '2')
    .action((which: string, options: { top?: string; depth: string }, command: Command) =>
      run(command, async (session) => {
        const depth = wholeNumber('--depth', options.depth, DEEPEST_PREFIX);
        const top =
          options.top === undefined
            ? undefined
            : { count: wholeNumber('--top', options.top, MOST_PREFIXES_SHOWN), depth };
        // Loaded only here, as below: other commands need nothing of it.
        const { inspectSnapshot } = await import('./inspect-snapshot.ts');
        return await inspectSnapshot(session, which, top);
      }),
    );
}

function addKeys(snapshot: Command, run: RunInSession): void {
  snapshot
    .command('keys')
    .description('list the keys in a snapshot, in their order; needs no agent')
    .argument('<snapshot>', SNAPSHOT)
    .option(...PREFIX_OPTION)
    .option(...REVISION_OPTION)
    .option('--limit <n>', 'no more than so many')
    .option(...SCRATCH_OPTION)
    .action((which: string, options: KeyOptions, command: Command) =>
      run(command, async (session) => {
        const wish = { ...wishOf(options), ...limitOf(options) };
        const { listKeys } = await import('./list-keys.ts');
        return await listKeys(session, which, wish);
      }),
    );
}

function addGet(snapshot: Command, run: RunInSession): void {
  snapshot
    .command('get')
    .description('write the value of a key in a snapshot to stdout, as it is; needs no agent')
    .argument('<snapshot>', SNAPSHOT)
    .argument('<key>', 'written as `keys` shows it')
    .option(...REVISION_OPTION)
    .action((which: string, key: string, options: Pick<KeyOptions, 'revision'>, command: Command) =>
      run(command, async (session) => {
        const wish = { key: keyOfText(key), ...revisionOf(options) };
        const { getKey } = await import('./get-key.ts');
        return await getKey(session, which, wish);
      }),
    );
}

function addDiff(snapshot: Command, run: RunInSession): void {
  snapshot
    .command('diff')
    .description('tell which keys differ between two snapshots, but no values; needs no agent')
    .argument('<before>', SNAPSHOT)
    .argument('<after>', SNAPSHOT)
    .option(...PREFIX_OPTION)
    .option(...SCRATCH_OPTION)
    .action((before: string, after: string, options: KeyOptions, command: Command) =>
      run(command, async (session) => {
        const wish = wishOf(options);
        const { diffSnapshots } = await import('./diff-snapshots.ts');
        return await diffSnapshots(session, [before, after], wish);
      }),
    );
}

function wishOf(options: KeyOptions): {
  readonly prefix?: Buffer;
  readonly revision?: number;
  readonly scratchDirectory: string;
} {
  const { prefix, scratch = tmpdir() } = options;
  return {
    ...(prefix === undefined ? {} : { prefix: keyOfText(prefix) }),
    ...revisionOf(options),
    scratchDirectory: scratch,
  };
}

function revisionOf({ revision }: Pick<KeyOptions, 'revision'>): { readonly revision?: number } {
  return revision === undefined ? {} : { revision: wholeNumber('--revision', revision) };
}

function limitOf({ limit }: KeyOptions): { readonly limit?: number } {
  return limit === undefined ? {} : { limit: wholeNumber('--limit', limit) };
}
