import type { Check, CheckId } from './check.ts';

/** One thing to look at: the checks that come of it. */
export interface Step {
  /** What it answers; said to have failed when the step throws. */
  readonly ids: readonly CheckId[];
  look(signal: AbortSignal): Promise<readonly Check[]>;
}
