import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AgentError, systemCodeOf } from '../base/agent-error.ts';
import { formatBytes } from '../base/units.ts';
import type { ControlResult, SaveResult } from '../formats/control.ts';
import { exitStatusOfError } from './exit-status.ts';
import { addLookCommands } from './look-commands.ts';
import { addPutBackCommand } from './put-back-command.ts';
import type { Session } from './session.ts';
import { saveText, snapshotListText } from './snapshot-text.ts';
import type { RunInSession } from './run-in-session.ts';
import { addVerifyCommand } from './verify-command.ts';

/** `lifeboat snapshot …` */
export function addSnapshotCommands(program: Command, run: RunInSession): void {
  const snapshot = program.command('snapshot').description('take, keep and check snapshots on this host');
  addTaking(snapshot, run);
  addKeeping(snapshot, run);
  addLookCommands(snapshot, run);
  addPutBackCommand(snapshot, run);
}

function addTaking(snapshot: Command, run: RunInSession): void {
  snapshot
    .command('save')
    .description('stream a snapshot from the member on this host, and prove it')
    .option('--skip-unchanged', 'take none when nothing changed since the newest proved one')
    .action((options: { skipUnchanged?: boolean }, command: Command) =>
      run(command, async (session) => {
        const skipUnchanged = options.skipUnchanged ?? false;
        return printSaved(session, await session.call('snapshot.save', { skipUnchanged }), 'saved');
      }),
    );
  snapshot
    .command('copy')
    .description('copy member/snap/db instead; works without quorum and with etcd stopped')
    .action((_options: object, command: Command) =>
      run(command, async (session) => printSaved(session, await session.call('snapshot.copy', {}), 'copied')),
    );
  snapshot
    .command('import')
    .description('take in a file that was made elsewhere, after proving it')
    .argument('<path>')
    .action((path: string, _options: object, command: Command) =>
      run(command, async (session) => {
        const absolute = resolve(session.surroundings.workingDirectory, path);
        return printSaved(session, await session.call('snapshot.import', { path: absolute }), 'imported');
      }),
    );
}

function addKeeping(snapshot: Command, run: RunInSession): void {
  snapshot
    .command('list')
    .description('the snapshots that this host holds, newest first')
    .action((_options: object, command: Command) =>
      run(command, async (session) => {
        const nowMs = session.surroundings.clock.now();
        session.print(await session.call('snapshot.list', {}), (list, paint) =>
          snapshotListText(list, nowMs, paint),
        );
        return 0;
      }),
    );
  addVerifyCommand(snapshot, run);
  snapshot
    .command('export')
    .description('copy a snapshot to a path that does not exist yet')
    .argument('<id>')
    .argument('<path>')
    .action((id: string, path: string, _options: object, command: Command) =>
      run(command, async (session) => {
        const absolute = resolve(session.surroundings.workingDirectory, path);
        const exported = await session.call('snapshot.export', { id, path: absolute });
        await requireSeen(absolute);
        session.print(exported, exportText);
        return 0;
      }),
    );
  snapshot
    .command('delete')
    .description('delete a snapshot from this host')
    .argument('<id>')
    .option('--force', 'also when it is the newest proved one')
    .action((id: string, options: { force?: boolean }, command: Command) =>
      run(command, async (session) => {
        session.print(
          await session.call('snapshot.delete', {
            id,
            force: options.force ?? false,
            requestedBy: session.surroundings.requestedBy,
          }),
          deleteText,
        );
        return 0;
      }),
    );
}

/** The snapshot is safe when only the command after it failed; the exit status still says that something did. */
function printSaved(session: Session, result: SaveResult, verb: string): number {
  session.print(result, (saved) => saveText(saved, verb));
  if (result.postSnapshot?.ok !== false) return 0;
  const message = result.postSnapshot.failure?.message ?? 'no reason was given';
  const error = new AgentError('POST_SNAPSHOT_FAILED', message);
  session.complain(error);
  return exitStatusOfError(error.code);
}

/** Under systemd's PrivateTmp= the agent has a /tmp of its own, and what it writes there nobody else ever finds. */
async function requireSeen(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') return;
    throw new AgentError(
      'EXPORT_TARGET_UNWRITABLE',
      `the agent wrote ${path}, but sees another directory under that name (PrivateTmp=): it is not here`,
      { cause: error },
    );
  }
}

function exportText({ id, path, sha256, sizeBytes }: ControlResult<'snapshot.export'>): string[] {
  return [`exported ${id} to ${path}, ${formatBytes(sizeBytes)}`, `  sha256  ${sha256}`];
}

function deleteText({ id, freedBytes }: ControlResult<'snapshot.delete'>): string[] {
  return [`deleted ${id}, ${formatBytes(freedBytes)} freed`];
}
