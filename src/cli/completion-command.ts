import { Argument, type Command } from 'commander';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import type { CompletionPlace } from './completion-places.ts';
import { completionPlaces } from './completion-places.ts';
import { zshCompletion } from './completion-zsh.ts';
import { commandTree } from './command-tree.ts';
import type { RunInSession } from './run-in-session.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const SCRIPTS: Record<Shell, (places: readonly CompletionPlace[]) => string> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `lifeboat completion` */
export function addCompletionCommand(program: Command, run: RunInSession): void {
  program
    .command('completion')
    .description('print the script that lets a shell complete commands and options')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell, _options: object, command: Command) =>
      run(command, (session) => {
        const script = completionScript(shell, program);
        session.print({ shell, script }, () => [script.trimEnd()]);
        return Promise.resolve(0);
      }),
    );
}

/** What `shell` sources to complete all that `program` declares. */
export function completionScript(shell: Shell, program: Command): string {
  return SCRIPTS[shell](completionPlaces(commandTree(program)));
}
