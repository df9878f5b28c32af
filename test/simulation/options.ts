import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

export interface SimulationOptions {
  readonly seed: number;
  readonly runs: number;
  readonly threads: number;
  /** Play this one run only, and tell what happens in it. */
  readonly run?: number;
  /** As found, and not made smaller first. */
  readonly whole: boolean;
}

export const USAGE = `npm run simulate [-- [--runs N] [--seed S] [--threads N] | --seed S --run N [--whole]]

Plays restores over simulated hosts, each with faults of its own, and asserts the invariants of docs/architecture.md.

  --runs N     how many schedules (default 10000)
  --seed S     of the series (default 1); equal seeds play equal schedules
  --threads N  (default: one for each core)
  --run N      play that run of the series again, and print what happens in it
  --whole      with --run: as it is, instead of the smallest part that still shows the breach
`;

/** @returns `undefined` when help was asked for. @throws {Error} that says which option makes no sense. */
export function parseOptions(args: readonly string[]): SimulationOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      threads: { type: 'string', default: String(availableParallelism()) },
      run: { type: 'string' },
      whole: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    seed: whole('--seed', values.seed, 0),
    runs: whole('--runs', values.runs, 1),
    threads: whole('--threads', values.threads, 1),
    whole: values.whole,
    ...(values.run === undefined ? {} : { run: whole('--run', values.run, 0) }),
  };
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`${name} takes a whole number of ${least} or more, and was ${text}`);
}
