import type { Command } from 'commander';
import type { RunInSession } from './run-in-session.ts';
import { showAudit, type ShowWish } from './show-audit.ts';
import { verifyAuditLog, type VerifyWish } from './verify-audit-log.ts';

/** `lifeboat audit …`: reads files, and needs no agent. */
export function addAuditCommands(program: Command, run: RunInSession): void {
  const audit = program.command('audit').description('what was ordered and decided on this host');
  audit
    .command('verify')
    .description('prove that the audit log is as the agent wrote it, line by line')
    .argument(
      '[files...]',
      "the log's files in their order, also of another host (default: all of this host)",
    )
    .option('--expect <line>', 'a line that must be there, as an earlier verify printed it: NUMBER:SHA256')
    .action((files: string[], options: Omit<VerifyWish, 'files'>, command: Command) =>
      run(command, (session) => verifyAuditLog(session, { ...options, files })),
    );
  audit
    .command('show')
    .description('the lines of the audit log, oldest first')
    .argument('[files...]', "the log's files in their order (default: all of this host)")
    .option('--operation <id>', 'only of this restore')
    .option('--since <when>', 'only from then on: 2026-11-23T15:00:00Z, or how long ago: 12h, 7d')
    .action((files: string[], options: Omit<ShowWish, 'files'>, command: Command) =>
      run(command, (session) => showAudit(session, { ...options, files })),
    );
}
