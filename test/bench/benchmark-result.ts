import { median, type Pair } from './paired-rounds.ts';

/** The agent may hold this much at its peak, whatever the size of the database. */
const RSS_LIMIT_MIB = 180;

export interface BenchmarkResult {
  readonly name: string;
  readonly pairs: readonly Pair[];
  /** The median of the rounds' ratios must not be above it. */
  readonly limit: number;
  /** Of the agent, or of the largest of the agents. */
  readonly peakRssMib?: number;
  /** Of what it is compared with. */
  readonly theirPeakRssMib?: number;
}

export function ratiosOf({ pairs }: BenchmarkResult): number[] {
  return pairs.map(({ oursMs, theirsMs }) => oursMs / theirsMs);
}

export function medianRatioOf(result: BenchmarkResult): number {
  return median(ratiosOf(result));
}

export function isWithinLimits(result: BenchmarkResult): boolean {
  return medianRatioOf(result) <= result.limit && (result.peakRssMib ?? 0) <= RSS_LIMIT_MIB;
}
