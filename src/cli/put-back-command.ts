import { tmpdir } from 'node:os';
import type { Command } from 'commander';
import { AgentError } from '../base/agent-error.ts';
import { keyOfText } from '../mvcc/key-text.ts';
import type { PutBackWish } from './put-back.ts';
import type { RunInSession } from './run-in-session.ts';
import type { Session } from './session.ts';
import { wholeNumber } from './whole-number.ts';

interface PutBackOptions {
  readonly prefix?: readonly string[];
  readonly revision?: string;
  readonly scratch?: string;
  readonly overwrite?: boolean;
  readonly leased?: boolean;
  readonly allowDamaged?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** `lifeboat snapshot put-back` */
export function addPutBackCommand(snapshot: Command, run: RunInSession): void {
  snapshot
    .command('put-back')
    .description('write chosen keys from a snapshot into the living cluster; shows first what it will do')
    .argument('<snapshot>', 'an ID, latest, or the path of a file')
    .argument('[keys...]', 'written as `snapshot keys` shows them')
    .option(
      '--prefix <text>',
      "all keys that begin with it, also several times; '' means every key",
      (text: string, others: readonly string[] | undefined) => [...(others ?? []), text],
    )
    .option('--revision <n>', 'as the keys were at this revision (default: the newest of the snapshot)')
    .option('--overwrite', 'replace keys that have another value in the cluster')
    .option('--leased', 'also keys that hung on a lease: they are written without one, and never expire')
    .option(
      '--scratch <directory>',
      'where names of keys are sorted that do not fit into memory (default: TMPDIR, else /tmp)',
    )
    .option('--allow-damaged', 'take what can be read from a snapshot whose proof fails')
    .option('--dry-run', 'only show what would be done')
    .option('--yes', 'do not ask')
    .action((which: string, keys: readonly string[], options: PutBackOptions, command: Command) =>
      run(command, (session) => loadAndPutBack(session, wishOf(which, keys, options))),
    );
}

/** Loaded only here, as other commands need no etcd client. */
async function loadAndPutBack(session: Session, wish: PutBackWish): Promise<number> {
  const { putBack } = await import('./put-back.ts');
  return await putBack(session, wish);
}

function wishOf(which: string, keys: readonly string[], options: PutBackOptions): PutBackWish {
  const { prefix = [], revision, scratch = tmpdir(), overwrite, leased, allowDamaged, dryRun, yes } = options;
  if (keys.length === 0 && prefix.length === 0) {
    throw new AgentError('USAGE', "name the keys to put back, or --prefix TEXT; --prefix '' means every key");
  }
  if (keys.includes('')) throw new AgentError('USAGE', 'a key is never empty');
  return {
    which,
    selection: { keys: keys.map(keyOfText), prefixes: prefix.map(keyOfText) },
    ...(revision === undefined ? {} : { revision: wholeNumber('--revision', revision) }),
    scratchDirectory: scratch,
    overwrite: overwrite === true,
    leased: leased === true,
    allowDamaged: allowDamaged === true,
    dryRun: dryRun === true,
    yes: yes === true,
  };
}
