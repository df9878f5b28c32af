import { lstat, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';
import type { EtcdClient } from '../etcd/client.ts';

interface Remarkable {
  readonly dataDir: string;
  /** What etcd keeps in a WAL directory of its own, if so. */
  readonly walDir?: string;
  readonly etcd: Pick<EtcdClient, 'holdsV2Keys'>;
  /** Of the member, where it answers. */
  readonly version: string | undefined;
}

/** What does not hinder a restore of this host, and what its operator must know before one. Looks only. */
export async function remarksOn(host: Remarkable, signal: AbortSignal): Promise<string[]> {
  const found = await Promise.all([v2Remark(host, signal), walRemark(host)]);
  return found.filter((remark) => remark !== undefined);
}

/** etcd 3.6 has no v2 store any more. */
async function v2Remark({ etcd, version }: Remarkable, signal: AbortSignal): Promise<string | undefined> {
  if (version === undefined || !/^3\.[0-5]\./.test(version)) return undefined;
  let holds: boolean;
  try {
    holds = await etcd.holdsV2Keys(signal);
  } catch {
    signal.throwIfAborted();
    // A member that gives its status and not this is no reason to refuse a plan; the manual says what cannot be seen.
    return undefined;
  }
  return holds
    ? 'it holds keys of the v2 API, which are in no snapshot: the new cluster has none of them, and they stay in the data that is set aside'
    : undefined;
}

/** A log that was moved to another disk behind etcd's back stays with the old data, and the new one is not there. */
async function walRemark({ dataDir, walDir }: Remarkable): Promise<string | undefined> {
  if (walDir !== undefined) return undefined;
  const wal = join(dataDir, 'member', 'wal');
  try {
    const isLink = (await lstat(wal)).isSymbolicLink();
    const isMount = (await stat(wal)).dev !== (await stat(dirname(wal))).dev;
    if (!isLink && !isMount) return undefined;
    const where = isLink ? `a link to ${await realpath(wal)}` : 'a mount point';
    return `${wal} is ${where}, which stays with the old data: the new log is a plain directory in the data directory`;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
