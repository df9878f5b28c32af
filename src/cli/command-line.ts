import { Command, CommanderError, Option } from 'commander';
import { AgentError, asAgentError } from '../base/agent-error.ts';
import { addAgentCommand } from './agent-command.ts';
import { addAuditCommands } from './audit-commands.ts';
import { addCompletionCommand } from './completion-command.ts';
import { addConfigCommand } from './config-command.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { addDrillCommands } from './drill-commands.ts';
import { exitStatusOfError } from './exit-status.ts';
import { addInstallCommands } from './install-commands.ts';
import { addMemberCommands } from './member-commands.ts';
import { addRestoreCommands } from './restore-commands.ts';
import type { RunInSession } from './run-in-session.ts';
import { errorText, Session, type GlobalOptions, type Surroundings } from './session.ts';
import { addSnapshotCommands } from './snapshot-commands.ts';
import { addStatusCommand } from './status-command.ts';

export const EXIT_STATUS_HELP = `
Exit status:
  0 done                  4 rolled back: the old data serves
  1 failed                5 stuck: an operator must decide
  2 wrong usage           6 the agent cannot be reached
  3 refused by a guard    7 aborted: nothing was changed
  130 detached by Ctrl-C from a restore that goes on`;

/**
 * Does what the words of a command line say.
 *
 * @param args - Without the program's own name.
 * @returns the exit status. Failures are printed, not thrown.
 */
export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitStatus = 0;
  const program = buildProgram(surroundings, async (command, work) => {
    exitStatus = await work(new Session(command.optsWithGlobals<GlobalOptions>(), surroundings));
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitStatus;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = error instanceof CommanderError ? usageError(error) : asAgentError(error);
    const isJson = asksForJson(args);
    // Commander has shown the help by then, which says more to a person than an error could.
    if (isJson || !isHelp(error)) printFailure(failure, isJson, surroundings);
    return exitStatusOfError(failure.code);
  }
}

/** All commands, declared. Nothing is read or written before one is parsed and run. */
export function buildProgram(
  { terminal, release }: Pick<Surroundings, 'terminal' | 'release'>,
  run: RunInSession,
): Command {
  const { stdout, stderr } = terminal;
  const program = new Command('lifeboat')
    .description('Snapshots of etcd, and restores of a whole cluster from one of them.')
    .version(release)
    .option(
      '--socket <path>',
      "the agent's control socket (default: of --config, LIFEBOAT_SOCKET, or packaged)",
    )
    .option('--config <file>', 'the configuration file (default: LIFEBOAT_CONFIG, or packaged)')
    .addOption(
      new Option('-o, --output <format>', 'for people or for programs')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText('after', EXIT_STATUS_HELP)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => {
        stdout.write(text);
      },
      writeErr: (text) => {
        stderr.write(text);
      },
      // Said once, by printFailure, in the form that was asked for.
      outputError: () => undefined,
    })
    .exitOverride();
  addAgentCommand(program, run);
  addStatusCommand(program, run);
  addDoctorCommand(program, run);
  addSnapshotCommands(program, run);
  addRestoreCommands(program, run);
  addDrillCommands(program, run);
  addMemberCommands(program, run);
  addAuditCommands(program, run);
  addConfigCommand(program, run);
  addInstallCommands(program, run);
  addCompletionCommand(program, run);
  return program;
}

/** A group of commands was named, and none of its commands. */
function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.code === 'commander.help';
}

function usageError(error: CommanderError): AgentError {
  const message = isHelp(error) ? 'a command is missing' : error.message.replace(/^error: /, '');
  return new AgentError('USAGE', message, { cause: error });
}

function printFailure(error: AgentError, isJson: boolean, { terminal }: Surroundings): void {
  const { code, message, hint, details } = error;
  if (isJson) {
    terminal.stdout.write(`${JSON.stringify({ error: { code, message, hint, details } })}\n`);
    return;
  }
  const stack = code === 'INTERNAL' && error.cause instanceof Error ? [error.cause.stack ?? ''] : [];
  terminal.stderr.write([...errorText(error), ...stack, ''].join('\n'));
}

/** Read from the raw words, since what is to be reported may be that they make no sense. */
function asksForJson(args: readonly string[]): boolean {
  return args.some(
    (arg, index) =>
      /^(-o=?|--output=)json$/.test(arg) || (arg === 'json' && /^(-o|--output)$/.test(args[index - 1] ?? '')),
  );
}
