import type { GateFacts } from '../formats/restore-messages.ts';
import { majorityOf } from './ballot.ts';

/** `unknown`: more may be known when it is asked again. `hidden`: asking again will not tell. */
export type WritesVerdict = 'found' | 'none' | 'unknown' | 'hidden';

/**
 * Whether clients have written to the new cluster. What a client saw confirmed is on a majority of the members, so that fewer than
 * that cannot hide it. A host whose etcd is down hides nothing where it never came up on the restored data.
 *
 * @param hosts - How many the new cluster has.
 * @param facts - By agent, of the hosts that are not given up; `undefined` where the host could not be asked.
 * @param served - Hosts where etcd came up on the restored data.
 */
export function judgeWrites(
  hosts: number,
  facts: ReadonlyMap<string, GateFacts | undefined>,
  served: ReadonlySet<string>,
): WritesVerdict {
  if ([...facts.values()].some((seen) => seen?.putsFound === true)) return 'found';
  const untold = [...facts].filter(([agent, seen]) => !tells(seen, served.has(agent)));
  const givenUp = hosts - facts.size;
  // Where all that is left tells, there is nothing left to lose.
  if (untold.length === 0 || untold.length + givenUp < majorityOf(hosts)) return 'none';
  return untold.every(([, seen]) => isDown(seen)) ? 'hidden' : 'unknown';
}

function tells(seen: GateFacts | undefined, hasServed: boolean): boolean {
  return seen?.putsFound !== undefined || (isDown(seen) && !hasServed);
}

function isDown(seen: GateFacts | undefined): boolean {
  return seen?.process === 'stopped' || seen?.process === 'failed';
}
