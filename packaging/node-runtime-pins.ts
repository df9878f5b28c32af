/** The processors that packages are made for, by Node's names. */
export type Processor = 'x64' | 'arm64';

export const PROCESSORS: readonly Processor[] = ['x64', 'arm64'];

/**
 * The Node that the packages carry. 24 is a long-term line that is maintained until April 2028, a year longer than 22, at the same memory and
 * start time; it needs glibc 2.28, which Debian 10, Ubuntu 20.04 and RHEL 8 have. The npm packages `node-linux-*` hold the
 * program that nodejs.org publishes. To move on: raise the version, and take both integrities from `npm view NAME@VERSION dist.integrity`.
 */
export const NODE_RUNTIME = {
  version: '24.21.0',
  integrity: {
    x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    arm64: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
} as const;

/** Debian's names for the same processors. */
export const DEBIAN_ARCHITECTURE = { x64: 'amd64', arm64: 'arm64' } as const satisfies Record<
  Processor,
  string
>;
