import type { Command, Option } from 'commander';

export interface OptionWord {
  readonly long: string;
  readonly short?: string;
  /** As the help shows it: `--snapshot <id>`. */
  readonly flags: string;
  readonly description: string;
  /** What follows it; absent for a switch. */
  readonly value?: { readonly name: string; readonly choices: readonly string[] };
}

export interface ArgumentWord {
  /** As the help shows it: `<path>`, `[ids...]`. */
  readonly shown: string;
  readonly name: string;
  readonly choices: readonly string[];
}

/** One command, with the commands below it: what can be typed, apart from what it does. */
export interface CommandWord {
  /** All words that lead to it, without the program's own name. */
  readonly words: readonly string[];
  readonly description: string;
  readonly options: readonly OptionWord[];
  readonly arguments: readonly ArgumentWord[];
  readonly commands: readonly CommandWord[];
}

/** The commands as they are declared: help texts, completions and the manual page all come from there. */
export function commandTree(command: Command, words: readonly string[] = []): CommandWord {
  const help = command.createHelp();
  return {
    words,
    description: command.description(),
    options: help.visibleOptions(command).map(optionWord),
    arguments: command.registeredArguments.map((argument) => ({
      shown: argumentShown(argument.name(), argument.required, argument.variadic),
      name: argument.name(),
      choices: argument.argChoices ?? [],
    })),
    commands: command.commands.map((below) => commandTree(below, [...words, below.name()])),
  };
}

/** The tree as a list, each command before those below it. */
export function flattenTree(tree: CommandWord): CommandWord[] {
  return [tree, ...tree.commands.flatMap(flattenTree)];
}

/** Whether a shell should offer file names for a value of this name. */
export function isFileName(valueName: string): boolean {
  return /^(path|file|directory|dir|prefix|snapshots?|before|after)$/.test(valueName);
}

function optionWord(option: Option): OptionWord {
  const { long, short, flags, description, argChoices } = option;
  const name = /[<[]([^>\].]+)/.exec(flags)?.[1];
  return {
    long: long ?? flags,
    ...(short === undefined ? {} : { short }),
    flags,
    description,
    ...(name === undefined ? {} : { value: { name, choices: argChoices ?? [] } }),
  };
}

function argumentShown(name: string, isRequired: boolean, isVariadic: boolean): string {
  const dots = isVariadic ? '...' : '';
  return isRequired ? `<${name}${dots}>` : `[${name}${dots}]`;
}
