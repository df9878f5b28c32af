import { Writable } from 'node:stream';
import { buildProgram, EXIT_STATUS_HELP } from '../src/cli/command-line.ts';
import { commandTree } from '../src/cli/command-tree.ts';
import { completionScript, SHELLS, type Shell } from '../src/cli/completion-command.ts';
import { manPage } from './man-page.ts';
import { textEntry, type PackageEntry } from './package-entry.ts';

/** Where each shell looks, below a prefix. zsh has two such places: the second is a distribution's. */
const COMPLETION_PATHS: Record<Shell, string> = {
  bash: 'share/bash-completion/completions/lifeboat',
  zsh: 'share/zsh/site-functions/_lifeboat',
  fish: 'share/fish/vendor_completions.d/lifeboat.fish',
};

/** The manual page and the completions: both say what the commands declare. */
export function commandLineEntries(release: string, modifiedSeconds: number): PackageEntry[] {
  const nowhere = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const terminal = { stdin: process.stdin, stdout: nowhere, stderr: nowhere };
  const program = buildProgram({ release, terminal }, () => Promise.resolve());
  const page = manPage(commandTree(program), { release, modifiedSeconds, exitStatus: EXIT_STATUS_HELP });
  return [
    textEntry('share/man/man8/lifeboat.8.gz', page),
    ...SHELLS.map((shell) => textEntry(COMPLETION_PATHS[shell], completionScript(shell, program))),
  ];
}
