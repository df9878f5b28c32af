import { valueOptions, type CompletionPlace, type CompletionValue } from './completion-places.ts';

/** For a directory of `fpath`, under the name `_lifeboat`, or to be sourced after `compinit`. */
export function zshCompletion(places: readonly CompletionPlace[]): string {
  const commands = places.filter(({ at }) => at !== '').map(({ at }) => `'${at}'`);
  return `#compdef lifeboat
# zsh completion of lifeboat: \`lifeboat completion zsh\` wrote it.
_lifeboat() {
  local at='' word i
  local -a offered
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    case $word in
      (${valueOptions(places).join('|')}) ((i++)) ;;
      (-*) ;;
      (*)
        case "\${at:+$at }$word" in
          (${commands.join('|')}) at="\${at:+$at }$word" ;;
        esac
        ;;
    esac
  done
  case "$at $words[CURRENT-1]" in
${places.flatMap(valueCases).join('\n')}
  esac
  case $at in
${places.map(placeCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _lifeboat ]]; then
  _lifeboat "$@"
else
  compdef _lifeboat lifeboat
fi
`;
}

function valueCases({ at, options }: CompletionPlace): string[] {
  return options.flatMap(({ long, short, value }) => {
    if (value === undefined) return [];
    const words = (short === undefined ? [long] : [short, long]).map((word) => `'${at} ${word}'`);
    return [`    (${words.join('|')}) ${offer(value)}; return ;;`];
  });
}

function placeCase({ at, commands, options, argument }: CompletionPlace): string {
  const optionList = options.flatMap(({ long, short, description }) =>
    (short === undefined ? [long] : [short, long]).map((word) => described(word, description)),
  );
  const commandList = commands.map(({ name, description }) => described(name, description));
  const other =
    commands.length > 0
      ? `offered=(${commandList.join(' ')}); _describe command offered`
      : argument === undefined
        ? ':'
        : offer(argument);
  return `    ('${at}')
      if [[ $words[CURRENT] == -* ]]; then
        offered=(${optionList.join(' ')}); _describe -o option offered
      else
        ${other}
      fi
      ;;`;
}

function offer(value: CompletionValue): string {
  if (value.kind === 'choices') return `compadd -- ${value.choices.join(' ')}`;
  return value.kind === 'file' ? '_files' : ':';
}

function described(word: string, description: string): string {
  const text = `${word}:${description.replaceAll(':', '\\:')}`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
