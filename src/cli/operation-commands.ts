import { Option, type Command } from 'commander';
import { AgentError } from '../base/agent-error.ts';
import type { ControlResult } from '../formats/control.ts';
import type { OperationView } from '../formats/operation-view.ts';
import type { TakeoverOrder } from '../formats/restore-journal.ts';
import { confirmChange } from './confirm-change.ts';
import { followOperation } from './follow-operation.ts';
import { operationText } from './operation-text.ts';
import type { RunInSession } from './run-in-session.ts';
import type { Session } from './session.ts';
import { acceptText, resumeText, rollbackText, takeoverText } from './steering-text.ts';

interface SteeringOptions {
  readonly without?: string[];
  readonly forceOutcome?: TakeoverOrder['outcome'];
  readonly reason?: string;
  readonly yes?: boolean;
}

type Steer = (session: Session, operation: string | undefined, options: SteeringOptions) => Promise<number>;

/** `lifeboat restore status|watch|abort|accept|rollback|resume|takeover`: what can be done with one that runs. */
export function addOperationCommands(restore: Command, run: RunInSession): void {
  restore
    .command('status')
    .description('the restores that this host knows of, and what to type next')
    .action((_options: object, command: Command) =>
      run(command, async (session) => {
        printOperations(session, await session.call('restore.status', {}));
        return 0;
      }),
    );
  const add = (name: string, description: string, steer: Steer): Command =>
    restore
      .command(name)
      .description(description)
      .argument('[operation]')
      .action((operation: string | undefined, options: SteeringOptions, command: Command) =>
        run(command, (session) => steer(session, operation, options)),
      );
  add('watch', 'follow a restore that runs; Ctrl-C only stops watching', watch);
  add('abort', 'ask the coordinator to undo a restore that is not decided yet', abort);
  withHosts(add('accept', 'go on with the new cluster, also where a host is missing', accept));
  withHosts(add('rollback', 'go back to the old data, also where a host is missing', rollback));
  withYes(add('resume', 'go on with a restore that is stuck, or that nobody drives', resume));
  withHosts(
    add('takeover', 'drive a restore from this host, whose coordinator is gone', takeOver)
      .addOption(
        new Option(
          '--force-outcome <outcome>',
          'decide without a majority; needs --without and --reason',
        ).choices(['commit', 'abort']),
      )
      .option('--reason <text>', 'how you know that those hosts are dead; goes into the audit log'),
  );
}

function withHosts(command: Command): Command {
  return withYes(command.option('--without <host...>', 'hosts of the restore that you know to be dead'));
}

function withYes(command: Command): Command {
  return command.option('--yes', 'do not ask');
}

function printOperations(session: Session, status: ControlResult<'restore.status'>): void {
  const nowMs = session.surroundings.clock.now();
  session.print(status, ({ operations }, paint) =>
    operations.length === 0
      ? ['no restore is known on this host']
      : operations.flatMap((view, index) => [
          ...(index === 0 ? [] : ['']),
          ...operationText(view, nowMs, paint),
        ]),
  );
}

const watch: Steer = async (session, operation) =>
  await followOperation(session, 'restore.watch', named(operation));

const abort: Steer = async (session, operation) => {
  const { requestedBy } = session.surroundings;
  const request = { ...named(operation), kind: 'abort' as const, without: [], requestedBy };
  return await followOperation(session, 'restore.request', request, 'aborted');
};

const accept: Steer = async (session, operation, options) => {
  const { without = [] } = options;
  const view = await confirmed(session, operation, options, (found) => acceptText(found, without));
  const { requestedBy } = session.surroundings;
  const request = { operation: view.operation, kind: 'accept', without, requestedBy } as const;
  return await followOperation(session, 'restore.request', request, 'finished');
};

const rollback: Steer = async (session, operation, options) => {
  const { without = [] } = options;
  const view = await confirmed(session, operation, options, (found) => rollbackText(found, without));
  const { requestedBy } = session.surroundings;
  const request = { operation: view.operation, kind: 'rollback', without, requestedBy } as const;
  return await followOperation(session, 'restore.request', request, 'rolled-back');
};

const resume: Steer = async (session, operation, options) => {
  const view = await confirmed(session, operation, options, resumeText);
  const { requestedBy } = session.surroundings;
  return await followOperation(session, 'restore.resume', { operation: view.operation, requestedBy });
};

const takeOver: Steer = async (session, operation, options) => {
  const order = orderOf(options);
  const view = await confirmed(session, operation, options, (found) => takeoverText(found, order));
  const { requestedBy } = session.surroundings;
  const request = { operation: view.operation, requestedBy, ...(order === undefined ? {} : { order }) };
  return await followOperation(session, 'restore.takeover', request);
};

type ForcedOrder = TakeoverOrder & { readonly reason: string };

function orderOf({ forceOutcome: outcome, without, reason }: SteeringOptions): ForcedOrder | undefined {
  if (outcome === undefined && without === undefined && reason === undefined) return undefined;
  if (outcome === undefined || without === undefined || reason === undefined) {
    throw new AgentError(
      'USAGE',
      '--force-outcome, --without and --reason go together: what the others do, without which hosts, and how you know that those are dead',
    );
  }
  if (reason.trim() !== '') return { outcome, without, reason };
  throw new AgentError('USAGE', '--reason: say how you know that these hosts are dead');
}

/** Says what will be done, and does it only after a yes. @throws {AgentError} `USAGE` where nobody can be asked. */
async function confirmed(
  session: Session,
  operation: string | undefined,
  { yes }: SteeringOptions,
  textOf: (view: OperationView) => string[],
): Promise<OperationView> {
  const { operations } = await session.call('restore.status', {});
  const view =
    operation === undefined ? operations[0] : operations.find((each) => each.operation === operation);
  if (view === undefined) {
    throw new AgentError('OPERATION_UNKNOWN', `no operation ${operation ?? 'at all'} is known on this host`);
  }
  if (!session.isJson) session.say(textOf(view));
  if (yes === true) return view;
  if (!session.canAsk)
    throw new AgentError('USAGE', 'there is no terminal to confirm on: read the above, then add --yes');
  await confirmChange('Go on?', session.surroundings.terminal);
  return view;
}

function named(operation: string | undefined): { operation?: string } {
  return operation === undefined ? {} : { operation };
}
