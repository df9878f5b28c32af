import { compactTime } from '../base/compact-time.ts';

/**
 * `20261123T143000Z-<agent>-r<revision>-<6 hex>`. Two hosts that snapshot in the same second get two IDs, and so
 * does one host that does it twice.
 *
 * @param random - At least 3 random bytes.
 */
export function makeSnapshotId(taken: {
  readonly atMs: number;
  readonly agent: string;
  readonly revision: number;
  readonly random: Buffer;
}): string {
  const second = compactTime(taken.atMs);
  const agent = taken.agent.replace(/[^0-9A-Za-z.-]/g, '-').slice(0, 64) || 'agent';
  return `${second}-${agent}-r${taken.revision}-${taken.random.toString('hex', 0, 3)}`;
}
