/** What `systemctl show` says of how a unit starts. */
export interface UnitLaunch {
  readonly loadState: string;
  /** 0 when nothing runs. */
  readonly mainPid: number;
  /** The words of its `ExecStart=`, variables not filled in yet. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly environmentFiles: readonly { readonly path: string; readonly optional: boolean }[];
  readonly workingDirectory: string;
  readonly user: string;
  readonly group: string;
}

/** The properties that `parseUnitLaunch` reads. */
export const LAUNCH_PROPERTIES = [
  'LoadState',
  'MainPID',
  'ExecStart',
  'Environment',
  'EnvironmentFiles',
  'WorkingDirectory',
  'User',
  'Group',
] as const;

/**
 * Reads the output of `systemctl show`. systemd has put in its specifiers (`%H`) by then; it joins the words of a command
 * by blanks without quotes, so that a word that holds a blank comes out as two.
 */
export function parseUnitLaunch(output: string): UnitLaunch {
  const lines = output.split('\n').map((line) => {
    const equals = line.indexOf('=');
    return { name: line.slice(0, equals), value: line.slice(equals + 1) };
  });
  const valueOf = (wanted: string): string => lines.find(({ name }) => name === wanted)?.value ?? '';
  const command = /argv\[\]=(.*?) ; ignore_errors=/.exec(valueOf('ExecStart'))?.[1] ?? '';
  return {
    loadState: valueOf('LoadState'),
    mainPid: Number(valueOf('MainPID')) || 0,
    argv: words(command),
    environment: assignments(shellWords(valueOf('Environment'))),
    environmentFiles: lines
      .filter(({ name, value }) => name === 'EnvironmentFiles' && value !== '')
      .map(({ value }) => environmentFile(value)),
    workingDirectory: valueOf('WorkingDirectory').replace(/^!/, ''),
    user: valueOf('User'),
    group: valueOf('Group'),
  };
}

/** `/etc/default/etcd (ignore_errors=yes)` */
function environmentFile(value: string): { path: string; optional: boolean } {
  const [, path = value, ignored = 'no'] = /^(.*) \(ignore_errors=(yes|no)\)$/.exec(value) ?? [];
  return { path, optional: ignored === 'yes' };
}

/**
 * Puts variables into the words of a command as systemd does: `${NAME}` anywhere in a word, and a word that is `$NAME`
 * becomes as many words as its value has, possibly none (systemd.service(5), "Command lines").
 */
export function expandVariables(
  argv: readonly string[],
  variables: Readonly<Record<string, string>>,
): string[] {
  return argv.flatMap((word) => {
    const whole = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(word)?.[1];
    if (whole !== undefined) return shellWords(variables[whole] ?? '');
    return [
      word.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_all, name: string) => variables[name] ?? ''),
    ];
  });
}

/** The assignments of an `EnvironmentFile=`: comments, quotes, continued lines (systemd.exec(5)). */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const lines = text
    .replaceAll(/\\\n/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !/^[#;]/.test(line));
  const pairs = lines.flatMap((line) => {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line);
    return match === null ? [] : [[match[1] ?? '', unquote(match[2] ?? '')] as const];
  });
  return Object.fromEntries(pairs);
}

/** Adjacent quoted and bare parts make one value; a blank outside of quotes is kept, as a value ends with its line. */
function unquote(value: string): string {
  return value.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs, (_all, double, single, escaped) => {
    if (typeof double === 'string') return double.replaceAll(/\\(["\\$`])/g, '$1');
    return String(single ?? escaped ?? '');
  });
}

function assignments(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.flatMap((word) => {
      const equals = word.indexOf('=');
      return equals < 1 ? [] : [[word.slice(0, equals), word.slice(equals + 1)]];
    }),
  );
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Words that quotes may hold together. `$'…'` is how systemctl prints a value with control characters. */
function shellWords(text: string): string[] {
  const found = text.match(/(?:\$?'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\\.|[^\s"'\\])+/g) ?? [];
  return found.map((word) => unquote(word.replaceAll(/\$'/g, "'")));
}
