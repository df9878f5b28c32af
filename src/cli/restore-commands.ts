import type { Command } from 'commander';
import { AgentError } from '../base/agent-error.ts';
import { operationId, sha256Hex } from '../formats/identifiers.ts';
import type { OperationPlan, UndoPlan } from '../formats/restore-plan.ts';
import type { RunInSession } from './run-in-session.ts';
import { addCleanCommand } from './clean-command.ts';
import { confirmPlan } from './confirm-plan.ts';
import { followOperation } from './follow-operation.ts';
import { addOperationCommands } from './operation-commands.ts';
import { givenPlanFlags, planRequestOf, type PlanOptions } from './plan-request.ts';
import { planNextStep, planText } from './plan-text.ts';
import type { Session } from './session.ts';
import { isInteractive } from './terminal.ts';

type RunOptions = PlanOptions & { readonly confirm?: string };
type ShowOptions = PlanOptions & { readonly undo?: string };

/** `lifeboat restore …` */
export function addRestoreCommands(program: Command, run: RunInSession): void {
  const restore = program.command('restore').description('bring the whole cluster back from one snapshot');
  addPlanOptions(restore.command('plan'))
    .description('say what a restore would do, or an undo of one; changes nothing')
    .option('--undo <operation>', 'instead of a restore: go back to what this finished one set aside')
    .action((options: ShowOptions, command: Command) =>
      run(command, async (session) => {
        const plan = await planToShow(session, options);
        session.print(plan, (made, paint) => [
          ...planText(made, paint),
          ...planNextStep(made, session.commandPrefix),
        ]);
        return 0;
      }),
    );
  addPlanOptions(restore.command('run'))
    .description('restore; Ctrl-C only stops watching')
    .option(
      '--confirm <hash>',
      'the plan to carry out, as `restore plan` printed it; no other option goes with it',
    )
    .action((options: RunOptions, command: Command) =>
      run(command, (session) => runRestore(session, options)),
    );
  restore
    .command('undo')
    .description('go back to the data that a finished restore set aside; Ctrl-C only stops watching')
    .argument('<operation>', 'the restore that is undone, the newest of its line')
    .option('--without <host...>', 'leave out hosts that you know to be dead')
    .action((operation: string, options: UndoOptions, command: Command) =>
      run(command, async (session) => {
        requireTerminal(session, `restore plan --undo ${operation}`);
        return await confirmAndRun(session, await makeUndoPlan(session, operation, options));
      }),
    );
  addOperationCommands(restore, run);
  addCleanCommand(restore, run);
}

function addPlanOptions(command: Command): Command {
  return command
    .option('--snapshot <id>', 'a snapshot that some host holds, or `latest` (default)')
    .option('--file <path>', 'a snapshot file on this host')
    .option('--from-member <agent>', "a copy of that host's own database")
    .option('--skip-hash-check', 'accept a file that carries no hash; needs --reason')
    .option('--reason <text>', 'why the hash check may be skipped; goes into the audit log')
    .option('--discard-current', 'restore although the cluster has quorum')
    .option('--allow-foreign', 'accept a snapshot of another cluster')
    .option('--allow-newer-snapshot', 'accept a snapshot of a newer etcd than the hosts run')
    .option('--disarm-alarms', 'disarm the alarms that the snapshot carries')
    .option(
      '--bump-revision <n>',
      'raise the revision by this much (default: 1,000,000,000 or more, where every tool can)',
    )
    .option('--no-bump-revision', 'let revisions go back to the snapshot; restart all clients then')
    .option('--no-rehearsal', 'boot the snapshot on no throw-away etcd before the present data is stopped')
    .option('--without <host...>', 'leave out hosts that you know to be dead');
}

interface UndoOptions {
  readonly without?: readonly string[];
}

async function planToShow(session: Session, { undo, ...options }: ShowOptions): Promise<OperationPlan> {
  if (undo === undefined) return await makePlan(session, options);
  const { without, ...others } = options;
  const useless = givenPlanFlags(others);
  if (useless.length > 0)
    throw new AgentError(
      'USAGE',
      `an undo takes --without and nothing else: leave out ${useless.join(', ')}`,
    );
  return await makeUndoPlan(session, undo, without === undefined ? {} : { without });
}

async function makePlan(session: Session, options: PlanOptions): Promise<OperationPlan> {
  return await session.call('restore.plan', planRequestOf(options, session.surroundings.workingDirectory));
}

async function makeUndoPlan(
  session: Session,
  operation: string,
  { without = [] }: UndoOptions,
): Promise<UndoPlan> {
  if (!operationId.safeParse(operation).success)
    throw new AgentError(
      'USAGE',
      `${operation} is no ID of a restore: \`lifeboat restore status\` shows them`,
    );
  return await session.call('restore.undo.plan', { operation, without: [...new Set(without)] });
}

async function runRestore(session: Session, options: RunOptions): Promise<number> {
  if (options.confirm !== undefined) return await runPlan(session, confirmedHash(options.confirm, options));
  requireTerminal(session, 'restore plan');
  return await confirmAndRun(session, await makePlan(session, options));
}

async function runPlan(session: Session, planHash: string): Promise<number> {
  const { requestedBy } = session.surroundings;
  return await followOperation(session, 'restore.run', { planHash, requestedBy });
}

/** What is confirmed is a plan that was read: options beside its hash would only seem to change it. */
function confirmedHash(hash: string, options: PlanOptions): string {
  const others = givenPlanFlags(options);
  if (others.length > 0) {
    throw new AgentError(
      'USAGE',
      `--confirm stands alone, the plan holds the rest: leave out ${others.join(', ')}`,
    );
  }
  if (!sha256Hex.safeParse(hash).success) {
    throw new AgentError('USAGE', '--confirm takes the whole hash: 64 lower-case hex digits');
  }
  return hash;
}

/** @throws {AgentError} `USAGE` with the command that shows the plan, to be confirmed by its hash. */
function requireTerminal(session: Session, showing: string): void {
  if (!session.isJson && isInteractive(session.surroundings.terminal)) return;
  throw new AgentError(
    'USAGE',
    `there is no terminal to confirm on: run \`lifeboat ${showing}\`, read it, then \`restore run --confirm HASH\``,
  );
}

async function confirmAndRun(session: Session, plan: OperationPlan): Promise<number> {
  session.print(plan, (made, paint) => [
    ...planText(made, paint),
    '',
    `The hash of this plan: ${made.hash}`,
    '',
  ]);
  await confirmPlan(plan, session.surroundings.terminal);
  return await runPlan(session, plan.hash);
}
