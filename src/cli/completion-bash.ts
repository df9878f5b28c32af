import { valueOptions, type CompletionPlace, type CompletionValue } from './completion-places.ts';

/** For bash 4 or newer; needs no `bash-completion`. */
export function bashCompletion(places: readonly CompletionPlace[]): string {
  const commands = places.filter(({ at }) => at !== '').map(({ at }) => `'${at}'`);
  return `# bash completion of lifeboat: \`lifeboat completion bash\` wrote it.
_lifeboat() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} at='' word i
  COMPREPLY=()
  # Bash cuts \`--output=json\` into three words.
  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${valueOptions(places).join(' | ')}) ((i++)) ;;
      -*) ;;
      *)
        case "\${at:+$at }$word" in
          ${commands.join(' | ')}) at="\${at:+$at }$word" ;;
        esac
        ;;
    esac
  done
  case "$at $prev" in
${places.flatMap(valueCases).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case $at in
${places.map((place) => `      '${place.at}') COMPREPLY=($(compgen -W '${optionWords(place)}' -- "$cur")) ;;`).join('\n')}
    esac
    return
  fi
  case $at in
${places.map((place) => `    '${place.at}') ${wordsOf(place)} ;;`).join('\n')}
  esac
}
complete -F _lifeboat lifeboat
`;
}

function optionWords({ options }: CompletionPlace): string {
  return options.flatMap(({ long, short }) => (short === undefined ? [long] : [short, long])).join(' ');
}

function valueCases({ at, options }: CompletionPlace): string[] {
  return options.flatMap(({ long, short, value }) => {
    if (value === undefined) return [];
    const words = (short === undefined ? [long] : [short, long]).map((word) => `'${at} ${word}'`);
    return [`    ${words.join(' | ')}) ${offer(value)}; return ;;`];
  });
}

function wordsOf({ commands, argument }: CompletionPlace): string {
  if (commands.length > 0) return offer({ kind: 'choices', choices: commands.map(({ name }) => name) });
  return argument === undefined ? ':' : offer(argument);
}

function offer(value: CompletionValue): string {
  if (value.kind === 'choices') return `COMPREPLY=($(compgen -W '${value.choices.join(' ')}' -- "$cur"))`;
  // Readline quotes and ends directories with a slash only when it is told that these are file names.
  if (value.kind === 'file') {
    return `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")`;
  }
  return ':';
}
