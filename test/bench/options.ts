import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Size of the database, in MiB; the large one has four times as much. */
  readonly sizeMib: number;
  readonly rounds: number;
  /** Only this benchmark. */
  readonly only?: string;
  readonly jsonFile?: string;
  /** A missed limit is an exit status of 1. */
  readonly isStrict: boolean;
}

const FULL = { sizeMib: 1024, rounds: 5 } as const;
const QUICK = { sizeMib: 128, rounds: 3 } as const;

export const USAGE = `npm run bench -- [options]
  --only NAME    snapshot-save, snapshot-save-large, snapshot-verify, snapshot-verify-small or restore
  --size-mib N   size of the database (default ${FULL.sizeMib}; the large one has four times as much)
  --rounds N     paired rounds (default ${FULL.rounds})
  --quick        ${QUICK.sizeMib} MiB and ${QUICK.rounds} rounds
  --json FILE    also write the results there
  --strict       exit with 1 when a limit is missed
`;

/** Throws an `Error` that says which option makes no sense. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      json: { type: 'string' },
      'size-mib': { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean' },
      strict: { type: 'boolean' },
    },
  });
  const defaults = values.quick === true ? QUICK : FULL;
  return {
    sizeMib: count('--size-mib', values['size-mib'], defaults.sizeMib),
    rounds: count('--rounds', values.rounds, defaults.rounds),
    isStrict: values.strict ?? false,
    ...(values.only === undefined ? {} : { only: values.only }),
    ...(values.json === undefined ? {} : { jsonFile: values.json }),
  };
}

function count(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new Error(`${option} takes a whole number above 0, not ${JSON.stringify(text)}`);
}
