import type { Command } from 'commander';
import { AgentError } from '../base/agent-error.ts';
import { formatBytes, formatDuration } from '../base/units.ts';
import type { ControlResult } from '../formats/control.ts';
import { confirmChange } from './confirm-change.ts';
import { givenDurationMs } from './given-time.ts';
import type { RunInSession } from './run-in-session.ts';
import type { Session } from './session.ts';
import { formatTable, indent } from './table.ts';
import { formatAge } from './times.ts';

interface CleanOptions {
  readonly olderThan?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

type Cleaned = ControlResult<'restore.clean'>;

/** `lifeboat restore clean` */
export function addCleanCommand(restore: Command, run: RunInSession): void {
  restore
    .command('clean')
    .description('remove old data that restores set aside on this host; shows first what would go')
    .argument('[operation]', 'only its data, also when it is new')
    .option('--older-than <duration>', 'from which age on, as 30d or 12h (default: restore.keepSetAsideDays)')
    .option('--dry-run', 'only show what would go')
    .option('--yes', 'do not ask')
    .action((operation: string | undefined, options: CleanOptions, command: Command) =>
      run(command, (session) => clean(session, operation, options)),
    );
}

async function clean(
  session: Session,
  operation: string | undefined,
  { olderThan, dryRun, yes }: CleanOptions,
): Promise<number> {
  const { requestedBy, terminal, clock } = session.surroundings;
  if (operation !== undefined && olderThan !== undefined) {
    throw new AgentError('USAGE', 'an operation that is named goes whatever its age: leave out --older-than');
  }
  const wish = {
    requestedBy,
    ...(operation === undefined ? {} : { operation }),
    ...(olderThan === undefined ? {} : { olderThanMs: givenDurationMs('--older-than', olderThan) }),
  };
  const shown = await session.call('restore.clean', wish);
  const confirmed = shown.items.flatMap(({ path, fate }) => (fate === 'removable' ? [path] : []));
  const text = (cleaned: Cleaned): string[] => cleanText(cleaned, clock.now());
  if (dryRun === true || confirmed.length === 0) {
    session.print(shown, text);
    return 0;
  }
  if (yes !== true) {
    if (!session.canAsk)
      throw new AgentError('USAGE', 'there is no terminal to confirm on: --yes does it unasked');
    session.print(shown, text);
    await confirmChange('Remove it? Nothing brings it back', terminal);
  }
  session.print(await session.call('restore.clean', { ...wish, confirmed }), text);
  return 0;
}

const COLUMNS = [
  { header: 'PATH' },
  { header: 'OPERATION' },
  { header: 'SIZE', align: 'right' },
  { header: 'AGE' },
  { header: '' },
] as const;

function cleanText({ items, olderThanMs }: Cleaned, nowMs: number): string[] {
  if (items.length === 0) return ['nothing is set aside on this host'];
  const bytesOf = (fate: string): number =>
    items.reduce((sum, item) => sum + (item.fate === fate ? item.sizeBytes : 0), 0);
  const rows = items.map(({ path, operation, sizeBytes, since, fate, why }) => [
    path,
    operation,
    formatBytes(sizeBytes),
    formatAge(since, nowMs),
    fate === 'kept' ? `kept: ${why ?? ''}` : fate,
  ]);
  const [removed, removable] = [bytesOf('removed'), bytesOf('removable')];
  return [
    ...formatTable(COLUMNS, rows),
    '',
    ...indent([
      ...(removed > 0 ? [`${formatBytes(removed)} freed`] : []),
      ...(removable > 0 ? [`${formatBytes(removable)} could be freed`] : []),
      ...(removed + removable === 0
        ? [
            `nothing may go: what is set aside is kept for ${formatDuration(olderThanMs)}, and the newest until it is named`,
          ]
        : []),
    ]),
  ];
}
