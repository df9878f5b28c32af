import type { LabHost } from '../support/lab-cluster.ts';
import type { Shell } from './shell.ts';

/** What one member says of itself, as etcdctl reports it. */
export interface MemberFacts {
  readonly clusterId: string;
  readonly revision: number;
  readonly hashKv: string;
}

/** Asks a member for the cluster it is in, its revision and the hash of all that it holds. */
export async function memberFacts(shell: Shell, host: LabHost): Promise<MemberFacts> {
  const status = await shell.etcdctlQuietly(host, ['endpoint', 'status', '-w', 'json']);
  const hash = await shell.etcdctlQuietly(host, ['endpoint', 'hashkv', '-w', 'json']);
  return {
    // An unsigned 64-bit number, which JSON.parse would round.
    clusterId: BigInt(numberIn(status, 'cluster_id')).toString(16),
    revision: Number(numberIn(status, 'revision')),
    hashKv: numberIn(hash, 'hash'),
  };
}

/** How many keys begin with `prefix`, by a linearizable read. */
export async function countKeys(shell: Shell, host: LabHost, prefix: string): Promise<number> {
  // The count is of all keys of the range, whatever the limit. (Not every etcdctl has --count-only.)
  const text = await shell.etcdctlQuietly(host, ['get', prefix, '--prefix', '--limit', '1', '-w', 'json']);
  // An etcd that counted none leaves the field out.
  return Number(/"count":(\d+)/.exec(text)?.[1] ?? 0);
}

function numberIn(json: string, field: string): string {
  const found = new RegExp(`"${field}":(\\d+)`).exec(json)?.[1];
  if (found === undefined) throw new Error(`etcdctl said nothing of ${field}: ${json}`);
  return found;
}
