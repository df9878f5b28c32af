/** How an etcd was started, or how its unit would start it. */
export interface EtcdLaunch {
  /** The program, then its flags. */
  readonly argv: readonly string[];
  /** The variables that etcd sees; only those named `ETCD_…` matter. */
  readonly environment: Readonly<Record<string, string>>;
  /** What its relative paths are relative to; `undefined` where that cannot be known. */
  readonly workingDirectory: string | undefined;
  /** The content of the file that `configFileOf` names, as YAML reads it. */
  readonly configFile?: unknown;
}

/** Flags that take no value of their own: the next word is another flag. (etcd: server/etcdmain/config.go) */
const SWITCHES: ReadonlySet<string> = new Set([
  'auto-tls',
  'client-cert-auth',
  'debug',
  'enable-grpc-gateway',
  'enable-log-rotation',
  'enable-pprof',
  'enable-v2',
  'force-new-cluster',
  'h',
  'help',
  'peer-auto-tls',
  'peer-client-cert-auth',
  'pre-vote',
  'socket-reuse-address',
  'socket-reuse-port',
  'strict-reconfig-check',
  'unsafe-no-fsync',
  'version',
]);

/**
 * The flags of a command line by name, as Go's flag package reads them: one dash or two, the value after `=` or as
 * the next word, the last one counts, and the first word that is no flag ends them.
 */
export function readFlags(argv: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>();
  const words = argv.slice(1);
  for (let index = 0; index < words.length; index += 1) {
    const match = /^--?([A-Za-z][^=]*)(?:=(.*))?$/s.exec(words[index] ?? '');
    if (match === null) break;
    const [, name = '', inline] = match;
    const next = words[index + 1];
    if (inline !== undefined) flags.set(name, inline);
    else if (isSwitch(name, next)) flags.set(name, 'true');
    else {
      flags.set(name, next ?? '');
      index += 1;
    }
  }
  return flags;
}

/** A flag that a newer etcd has is a switch when no value follows it. */
function isSwitch(name: string, next: string | undefined): boolean {
  return SWITCHES.has(name) || next === undefined || /^--?[A-Za-z]/.test(next);
}

/** `data-dir` → `ETCD_DATA_DIR` (etcd: pkg/flags/flag.go). */
export function variableOf(flag: string): string {
  return `ETCD_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** The file that alone says everything, where one was named: etcd then ignores all other flags and variables. */
export function configFileOf({
  argv,
  environment,
}: Pick<EtcdLaunch, 'argv' | 'environment'>): string | undefined {
  const named = readFlags(argv).get('config-file') ?? environment[variableOf('config-file')];
  return named === undefined || named === '' ? undefined : named;
}
