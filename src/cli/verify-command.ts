import type { Command } from 'commander';
import { AgentError } from '../base/agent-error.ts';
import { isErrorCode } from '../base/error-codes.ts';
import { exitStatusOfError } from './exit-status.ts';
import { namesFile, requireId } from './find-snapshot.ts';
import type { RunInSession } from './run-in-session.ts';
import type { Session } from './session.ts';
import { findFiles, verifyFiles, type VerifiedFile } from './verify-files.ts';
import { verifyText, type VerifiedSnapshot } from './verify-text.ts';

/** `lifeboat snapshot verify` */
export function addVerifyCommand(snapshot: Command, run: RunInSession): void {
  snapshot
    .command('verify')
    .description('prove snapshots of this host again, or files anywhere: every byte and every page')
    .argument(
      '[snapshots...]',
      'IDs or latest, which the agent proves; or paths of files, which need no agent',
    )
    .option('--all', 'every snapshot of this host')
    .action((snapshots: string[], options: { all?: boolean }, command: Command) =>
      run(command, (session) => verify(session, snapshots, options.all ?? false)),
    );
}

async function verify(session: Session, words: readonly string[], isAll: boolean): Promise<number> {
  if (isAll === words.length > 0) throw new AgentError('USAGE', 'name the snapshots to verify, or say --all');
  const [paths, ids] = await sortWords(session, words);
  // Before the first byte, so that a wrong name is an error and not a finding.
  const files = await findFiles(session, paths);
  const verified: (VerifiedSnapshot | VerifiedFile)[] = [];
  if (isAll || ids.length > 0) {
    verified.push(...(await session.call('snapshot.verify', { ids: isAll ? 'all' : ids })).verified);
  }
  verified.push(...(await verifyFiles(session, files)));
  session.print({ verified }, verifyText);
  const failed = verified.find(({ ok }) => !ok);
  if (failed === undefined) return 0;
  const code = failed.failure?.code ?? '';
  return exitStatusOfError(isErrorCode(code) ? code : 'SNAPSHOT_DAMAGED');
}

async function sortWords(
  session: Session,
  words: readonly string[],
): Promise<readonly [paths: string[], ids: string[]]> {
  const [paths, ids]: [string[], string[]] = [[], []];
  for (const word of words) {
    if (await namesFile(session, word)) {
      paths.push(word);
      continue;
    }
    requireId(word);
    ids.push(word);
  }
  return [paths, ids];
}
