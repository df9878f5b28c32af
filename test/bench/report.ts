import { isWithinLimits, medianRatioOf, ratiosOf, type BenchmarkResult } from './benchmark-result.ts';
import { median } from './paired-rounds.ts';

const HEAD = [
  'name',
  'rounds',
  'ours',
  'theirs',
  'ratio (min–max)',
  'limit',
  'peak RSS',
  'theirs',
  '',
] as const;

/** A table in Markdown, so that it can be pasted into docs/benchmarks.md as it is. */
export function formatTable(results: readonly BenchmarkResult[]): string {
  const rows = results.map(rowOf);
  const widths = HEAD.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('');
}

function rowOf(result: BenchmarkResult): string[] {
  const ratios = ratiosOf(result);
  const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  return [
    result.name,
    String(result.pairs.length),
    seconds(result.pairs.map(({ oursMs }) => oursMs)),
    seconds(result.pairs.map(({ theirsMs }) => theirsMs)),
    `${medianRatioOf(result).toFixed(2)} (${range})`,
    `≤ ${result.limit.toFixed(2)}`,
    mebibytes(result.peakRssMib),
    mebibytes(result.theirPeakRssMib),
    isWithinLimits(result) ? 'pass' : 'FAIL',
  ];
}

function mebibytes(value: number | undefined): string {
  return value === undefined ? '' : `${Math.ceil(value)} MiB`;
}

function seconds(values: readonly number[]): string {
  return `${(median(values) / 1000).toFixed(2)} s`;
}

/** `[{name, rounds, medianRatio, limit, peakRssMiB}, …]`; `peakRssMiB` is null where it was not measured. */
export function formatJson(results: readonly BenchmarkResult[]): string {
  const list = results.map((result) => ({
    name: result.name,
    rounds: result.pairs.length,
    medianRatio: Number(medianRatioOf(result).toFixed(3)),
    limit: result.limit,
    peakRssMiB: result.peakRssMib === undefined ? null : Number(result.peakRssMib.toFixed(1)),
  }));
  return `${JSON.stringify(list, null, 2)}\n`;
}
