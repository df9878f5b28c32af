interface Wanted {
  /** For example `etcd@two.service`. */
  readonly unit: string;
  readonly holdFile: string;
  readonly permitFile: string;
}

/**
 * What keeps a unit made of these files from respecting the hold, in words; `undefined` when it does: `ConditionPathExists=|!<holdFile>`
 * and `ConditionPathExists=|<permitFile>` are in force, as the only ones that are marked `|`. Of those one is enough, so that any other
 * would let etcd start under the hold. An empty condition of any kind clears all earlier ones (systemd.unit(5)).
 *
 * @param texts - The unit file and its drop-ins, in the order systemd applies them.
 */
export function whyHoldIsIgnored(
  texts: readonly string[],
  { unit, holdFile, permitFile }: Wanted,
): string | undefined {
  const needed = [`ConditionPathExists=|!${holdFile}`, `ConditionPathExists=|${permitFile}`];
  const found = conditionsIn(texts, unit);
  const never = `ConditionPathExists=!${holdFile}`;
  if (found.includes(never)) return `${never} keeps the agent's own start back as well`;
  const missing = needed.find((condition) => !found.includes(condition));
  if (missing !== undefined) return `no ${missing} is in force`;
  const other = found.find((condition) => condition.includes('=|') && !needed.includes(condition));
  return other === undefined ? undefined : `${other} would let etcd start under the hold`;
}

/** `ConditionName=|!value`, without the spaces that systemd allows. */
function conditionsIn(texts: readonly string[], unit: string): string[] {
  let conditions: string[] = [];
  for (const { key, value } of texts.flatMap(unitSettings)) {
    if (!key.startsWith('Condition')) continue;
    const [, mark = '', not = '', rest = ''] = /^(\|?)\s*(!?)\s*(.*)$/.exec(value) ?? [];
    if (value === '') conditions = [];
    else conditions.push(`${key}=${mark}${not}${withoutSpecifiers(rest, unit)}`);
  }
  return conditions;
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
