interface BackoffOptions {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * Milliseconds to wait before try number `attempt` (0 is the first wait): exponential with full jitter,
 * so that peers that lost one host do not all come back in the same instant.
 */
export function backoffMs(
  attempt: number,
  options: BackoffOptions,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(options.longestMs, options.firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceiling * (0.5 + random() / 2));
}
