import type { Command } from 'commander';
import type { RunInSession } from './run-in-session.ts';
import { statusText } from './status-text.ts';

/** `lifeboat status` */
export function addStatusCommand(program: Command, run: RunInSession): void {
  program
    .command('status')
    .description('the agent, its etcd, snapshots, peers and restores')
    .action((_options: object, command: Command) =>
      run(command, async (session) => {
        const nowMs = session.surroundings.clock.now();
        session.print(await session.call('status', {}), (status, paint) => statusText(status, nowMs, paint));
        return 0;
      }),
    );
}
