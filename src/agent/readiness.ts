import { messageOf } from '../base/agent-error.ts';
import { formatDuration } from '../base/units.ts';
import type { AgentStatus, Check } from '../formats/control.ts';
import { fenceWords } from './fence-status.ts';
import type { CertificateExpiry } from './certificate-expiry.ts';

/** What the checks look at. Those that throw are asked, all at once. */
export interface ReadinessFacts {
  readonly nowMs: number;
  readonly status: Pick<AgentStatus, 'peers' | 'snapshots' | 'etcd' | 'fence'>;
  readonly clusterId: string | undefined;
  /** The operation that binds this host. */
  readonly boundBy: string | undefined;
  readonly staleAfterSeconds: number | undefined;
  readonly certificates: readonly CertificateExpiry[];
  readonly proveStateWritable: () => Promise<void>;
  readonly checkSupervisor: () => Promise<void>;
  readonly findTool: () => Promise<string>;
}

/**
 * Ready means: if the cluster were lost now, a restore could be planned and run from here, and nobody had to mend
 * anything first. That etcd runs is no part of it; a restore is for when it does not.
 */
const CHECKS: Readonly<Record<string, (facts: ReadinessFacts) => Promise<string> | string>> = {
  state: async ({ proveStateWritable }) => {
    await proveStateWritable();
    return 'the journal can be written';
  },
  etcd: ({ clusterId }) => {
    if (clusterId !== undefined) return `the member was seen in cluster ${clusterId}`;
    throw new Error('the member was never seen: nobody knows which cluster this host belongs to');
  },
  supervisor: async ({ checkSupervisor }) => {
    await checkSupervisor();
    return 'etcd can be stopped, held and started';
  },
  tool: async ({ findTool }) => await findTool(),
  peers: ({ status: { peers } }) => {
    const lost = peers.filter(({ state }) => state !== 'connected').map(({ name }) => name);
    if (lost.length === 0)
      return peers.length === 0 ? 'none are configured' : `all ${peers.length} connected`;
    throw new Error(`no link to ${lost.join(', ')}`);
  },
  operation: ({ boundBy }) => {
    if (boundBy === undefined) return 'no restore binds this host';
    throw new Error(`restore ${boundBy} binds this host`);
  },
  fence: ({ status: { fence } }) => {
    if (fence === undefined) return 'no restore that is known superseded this member';
    throw new Error(fenceWords(fence));
  },
  snapshot: snapshotFreshness,
  certificates: ({ certificates, nowMs }) => {
    const bad = certificates.flatMap((one) => problemOf(one, nowMs) ?? []);
    if (bad.length > 0) throw new Error(bad.join('; '));
    return certificates.length === 0 ? 'none are configured' : `all ${certificates.length} valid`;
  },
};

/** Every check, whatever the others found. */
export async function checkReadiness(facts: ReadinessFacts): Promise<Check[]> {
  const checks = Object.entries(CHECKS).map(async ([check, look]) => {
    try {
      return { check, passed: true, message: await look(facts) };
    } catch (error) {
      return { check, passed: false, message: messageOf(error).replaceAll('\n', ' ') };
    }
  });
  return await Promise.all(checks);
}

function snapshotFreshness({ status, nowMs, staleAfterSeconds }: ReadinessFacts): string {
  const { newestProved } = status.snapshots;
  if (staleAfterSeconds === undefined) return 'none is expected: this host has no schedule';
  if (newestProved === undefined) throw new Error('this host has no proved snapshot');
  const ageMs = Math.max(0, nowMs - Date.parse(newestProved.takenAt));
  const words = `the newest proved one is ${formatDuration(ageMs)} old`;
  if (ageMs <= staleAfterSeconds * 1000) return words;
  // Runs are skipped while nothing changes.
  if (status.etcd.revision === newestProved.revision) return `${words}, and has the member's revision`;
  throw new Error(`${words}, and stale from ${formatDuration(staleAfterSeconds * 1000)} on`);
}

function problemOf({ path, expiresAtMs, problem }: CertificateExpiry, nowMs: number): string | undefined {
  if (expiresAtMs === undefined) return `${path}: ${problem ?? 'unreadable'}`;
  if (expiresAtMs > nowMs) return undefined;
  return `${path} expired on ${new Date(expiresAtMs).toISOString()}`;
}
