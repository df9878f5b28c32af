import { flattenTree, isFileName, type CommandWord, type OptionWord } from './command-tree.ts';

/** What can stand somewhere: one of some words, a file, or what only the operator knows. */
export type CompletionValue =
  { readonly kind: 'choices'; readonly choices: readonly string[] } | { readonly kind: 'file' | 'unknown' };

export interface CompletionOption {
  readonly long: string;
  readonly short?: string;
  readonly description: string;
  /** What follows it; absent for a switch. */
  readonly value?: CompletionValue;
}

/** What may come next after the words of one command. */
export interface CompletionPlace {
  /** The words, with a blank between them; empty for the program itself. */
  readonly at: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletionOption[];
  readonly argument?: CompletionValue;
}

/** One place for each command. The options of the program itself may stand behind every command. */
export function completionPlaces(tree: CommandWord): CompletionPlace[] {
  const everywhere = tree.options.filter(({ long }) => long !== '--version' && long !== '--help');
  return flattenTree(tree).map((command) => ({
    at: command.words.join(' '),
    commands: command.commands.map(({ words, description }) => ({ name: words.at(-1) ?? '', description })),
    options: [...command.options, ...(command === tree ? [] : everywhere)].map(completionOption),
    ...argumentOf(command),
  }));
}

/** The options that take a value, wherever they are declared: their value is no command. */
export function valueOptions(places: readonly CompletionPlace[]): string[] {
  const words = places.flatMap(({ options }) =>
    options.filter(({ value }) => value !== undefined).flatMap(({ long, short }) => [long, short ?? long]),
  );
  return [...new Set(words)];
}

function argumentOf(command: CommandWord): { argument?: CompletionValue } {
  // Of several arguments the one that a shell can help with.
  const known = command.arguments.map((argument) => valueOf(argument.name, argument.choices));
  const argument = known.find(({ kind }) => kind !== 'unknown') ?? known[0];
  return argument === undefined ? {} : { argument };
}

function completionOption({ long, short, description, value }: OptionWord): CompletionOption {
  return {
    long,
    ...(short === undefined ? {} : { short }),
    description,
    ...(value === undefined ? {} : { value: valueOf(value.name, value.choices) }),
  };
}

function valueOf(name: string, choices: readonly string[]): CompletionValue {
  if (choices.length > 0) return { kind: 'choices', choices };
  return { kind: isFileName(name) ? 'file' : 'unknown' };
}
