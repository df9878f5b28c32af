import type { Command } from 'commander';
import { drillText } from './drill-text.ts';
import { requireId } from './find-snapshot.ts';
import type { RunInSession } from './run-in-session.ts';

/** `lifeboat drill …` */
export function addDrillCommands(program: Command, run: RunInSession): void {
  program
    .command('drill')
    .description('prove that a snapshot restores, on a throw-away etcd of this host')
    .command('run')
    .description('restore a snapshot into a scratch directory, boot etcd on it, and compare what it serves')
    .argument('[snapshot]', 'an ID, or latest: the newest proved one', 'latest')
    .action((id: string, _options: object, command: Command) =>
      run(command, async (session) => {
        requireId(id);
        session.print(await session.call('drill.run', { id }), drillText);
        return 0;
      }),
    );
}
