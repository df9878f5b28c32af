import { parseArgs } from 'node:util';

/** The projects of vitest.config.ts that meet etcd, or the machine. */
export const SUITES = ['unit', 'contract', 'integration', 'cluster'] as const;
export type Suite = (typeof SUITES)[number];

export interface MatrixOptions {
  /** `system` or a minor release; undefined: what belongs to the other options. */
  readonly etcd?: readonly string[];
  readonly suites: readonly Suite[];
  /** Major releases; undefined: what belongs to the other options. */
  readonly node?: readonly string[];
}

const DEFAULT_SUITES: readonly Suite[] = ['integration', 'cluster'];

export const USAGE = `npm run test:matrix [-- [--etcd LIST] [--suite LIST] [--node LIST]]

Runs the test suites on every etcd and every Node that is pinned, and prints a table.

  --etcd LIST   of system,3.5,3.6,3.7 (system: what PATH has)
  --suite LIST  of ${SUITES.join(',')} (default ${DEFAULT_SUITES.join(',')})
  --node LIST   of 20,22,24,26; with --etcd: these together

Without --etcd and --node: each etcd on the Node that runs this, and each other Node on the system's etcd.
LIST is separated by commas. etcd is built by Go, where there is Go (npm run etcd:build); Node comes from npm.
`;

/** @returns `undefined` when help was asked for. @throws {Error} that says which option makes no sense. */
export function parseOptions(
  args: readonly string[],
  known: { readonly etcd: readonly string[]; readonly node: readonly string[] },
): MatrixOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      etcd: { type: 'string' },
      suite: { type: 'string' },
      node: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return undefined;
  const etcd = list('--etcd', values.etcd, ['system', ...known.etcd]);
  const node = list('--node', values.node, known.node);
  return {
    suites: list('--suite', values.suite, SUITES) ?? DEFAULT_SUITES,
    ...(etcd === undefined ? {} : { etcd }),
    ...(node === undefined ? {} : { node }),
  };
}

function list<T extends string>(
  option: string,
  text: string | undefined,
  known: readonly T[],
): T[] | undefined {
  if (text === undefined) return undefined;
  const asked = text.split(',').map((entry) => entry.trim());
  const unknown = asked.find((entry) => !known.some((one) => one === entry));
  if (unknown !== undefined)
    throw new Error(`${option} takes a list of ${known.join(',')}, and not ${JSON.stringify(unknown)}`);
  return known.filter((one) => asked.includes(one));
}
