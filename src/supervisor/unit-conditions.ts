interface Hold {
  /** For example `etcd@two.service`. */
  readonly unit: string;
  readonly holdFile: string;
}

/**
 * Whether a unit made of these files does not start while `holdFile` exists: some `ConditionPathExists=!<holdFile>`
 * in a [Unit] section that no later line takes back. An empty condition of any kind clears all earlier ones, and a
 * condition marked `|` is one alternative of several and protects nothing (systemd.unit(5)).
 *
 * @param texts - The unit file and its drop-ins, in the order systemd applies them.
 */
export function respectsHold(texts: readonly string[], { unit, holdFile }: Hold): boolean {
  let respected = false;
  for (const { key, value } of texts.flatMap(unitSettings)) {
    if (!/^(Condition|Assert)/.test(key)) continue;
    if (value === '' && key.startsWith('Condition')) respected = false;
    if (key !== 'ConditionPathExists') continue;
    if (withoutSpecifiers(value, unit).replace(/^!\s*/, '!') === `!${holdFile}`) respected = true;
  }
  return respected;
}

/** The unit's names in a drop-in for several instances. Other specifiers stay: such a path is not known to be ours. */
function withoutSpecifiers(value: string, unit: string): string {
  const name = unit.replace(/\.service$/, '');
  const at = name.indexOf('@');
  const [prefix, instance] = at < 0 ? [name, ''] : [name.slice(0, at), name.slice(at + 1)];
  const names: Record<string, string> = { n: unit, N: name, p: prefix, i: instance, '%': '%' };
  return value.replaceAll(/%(.)/g, (specifier, letter: string) => names[letter] ?? specifier);
}

function unitSettings(text: string): { key: string; value: string }[] {
  let section = '';
  const settings: { key: string; value: string }[] = [];
  for (const line of text.replaceAll(/\\\n/g, ' ').split('\n')) {
    const trimmed = line.trim();
    const header = /^\[(.*)\]$/.exec(trimmed);
    if (header !== null) section = header[1] ?? '';
    const setting = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(trimmed);
    if (section !== 'Unit' || setting === null) continue;
    settings.push({ key: setting[1] ?? '', value: setting[2] ?? '' });
  }
  return settings;
}
