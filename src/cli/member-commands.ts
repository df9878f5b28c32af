import type { Command } from 'commander';
import { AgentError } from '../base/agent-error.ts';
import { confirmChange } from './confirm-change.ts';
import { joinPlanText, joinResultText } from './member-text.ts';
import type { RunInSession } from './run-in-session.ts';
import type { Session } from './session.ts';

interface JoinOptions {
  readonly yes?: boolean;
}

/** `lifeboat member …` */
export function addMemberCommands(program: Command, run: RunInSession): void {
  const member = program.command('member').description('make this host a member of its cluster again');
  member
    .command('rejoin')
    .description(
      'bring this host, whose member a restore superseded or whose data is lost, into the cluster; Ctrl-C only stops watching',
    )
    .option('--yes', 'do not ask')
    .action((options: JoinOptions, command: Command) =>
      run(command, (session) => joinCluster(session, {}, options)),
    );
  member
    .command('replace')
    .description(
      'take the place of a member that is lost while the cluster has quorum; Ctrl-C only stops watching',
    )
    .argument('<name>', 'the lost member, as `etcdctl member list` shows it')
    .option('--yes', 'do not ask')
    .action((replace: string, options: JoinOptions, command: Command) =>
      run(command, (session) => joinCluster(session, { replace }, options)),
    );
}

/** Shows what will be done, asks, and follows it to its end. */
async function joinCluster(
  session: Session,
  wish: { readonly replace?: string },
  { yes }: JoinOptions,
): Promise<number> {
  const { terminal, requestedBy } = session.surroundings;
  const planned = await session.call('member.plan', wish);
  // A program reads one document: the result.
  if (!session.isJson) session.print(planned, joinPlanText);
  if (yes !== true) {
    if (!session.canAsk)
      throw new AgentError('USAGE', 'there is no terminal to confirm on: --yes does it unasked');
    await confirmChange('Do this?', terminal);
  }
  const result = await session.call('member.join', { planHash: planned.plan.hash, requestedBy });
  session.print(result, joinResultText);
  return 0;
}
