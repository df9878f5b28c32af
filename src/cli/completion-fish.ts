import {
  valueOptions,
  type CompletionOption,
  type CompletionPlace,
  type CompletionValue,
} from './completion-places.ts';

/** For `vendor_completions.d`, under the name `lifeboat.fish`, or to be sourced. */
export function fishCompletion(places: readonly CompletionPlace[]): string {
  const commands = places.filter(({ at }) => at !== '').map(({ at }) => `'${at}'`);
  return `# fish completion of lifeboat: \`lifeboat completion fish\` wrote it.
function __lifeboat_at
  set -l at
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
      continue
    end
    switch $word
      case ${valueOptions(places).join(' ')}
        set skip 1
      case '-*'
      case '*'
        set -l next (string join ' ' $at $word)
        if contains -- $next ${commands.join(' ')}
          set at $next
        end
    end
  end
  test "$at" = "$argv[1]"
end
complete -c lifeboat -f
${places.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ at, commands, options, argument }: CompletionPlace): string[] {
  const here = `complete -c lifeboat -n ${quoted(`__lifeboat_at ${quoted(at)}`)}`;
  return [
    ...commands.map(({ name, description }) => `${here} -a ${name} -d ${quoted(description)}`),
    ...(argument === undefined ? [] : offer(argument).map((how) => `${here} ${how}`)),
    ...options.map((option) => `${here} ${optionWords(option)}`),
  ];
}

function optionWords({ long, short, description, value }: CompletionOption): string {
  return [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    `-l ${long.slice(2)}`,
    ...(value === undefined ? [] : [value.kind === 'file' ? '-r' : '-x', ...offer(value)]),
    `-d ${quoted(description)}`,
  ].join(' ');
}

function offer(value: CompletionValue): string[] {
  if (value.kind === 'choices') return [`-a ${quoted(value.choices.join(' '))}`];
  return value.kind === 'file' ? ['-F'] : [];
}

/** For fish, in whose single quotes a backslash escapes a quote and itself. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
