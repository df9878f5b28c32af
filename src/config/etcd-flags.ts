/**
 * The value that a command line gives to one of etcd's flags, or `undefined`. Go's flag package takes `-name`
 * and `--name`, with the value after `=` or as the next word; of a flag given twice, the last counts.
 */
export function flagValue(command: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (const [index, word] of command.entries()) {
    if (index === 0) continue;
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(word);
    if (match?.[1] !== name) continue;
    value = match[2] ?? command[index + 1] ?? value;
  }
  return value;
}
