import { asAgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { GateFacts, GateRequest } from '../formats/restore-messages.ts';
import type { OperationPlan } from '../formats/restore-plan.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { ALL_KEYS, countKeys, hashAt, readMembers, readsLinearizably } from './cluster-reads.ts';

interface GateProbe {
  readonly agent: string;
  readonly plan: OperationPlan;
  readonly supervisor: Supervisor;
  readonly etcd: EtcdClient;
  readonly clock: Clock;
}

/** Long enough for etcd not to shorten it, and gone within a minute should the revoke be lost. */
const LEASE_TTL_SECONDS = 60;
/** No lease has it: etcd grants random positive ids. */
const UNUSED_LEASE = '0000000000000001';

/**
 * Asks the local etcd for this host's share of the acceptance gate. What cannot be asked is a `problem`, not an
 * error: etcd may still be starting. Touches no key.
 */
export async function probeGate(
  probe: GateProbe,
  request: GateRequest,
  signal: AbortSignal,
): Promise<GateFacts> {
  const { state, detail } = await probe.supervisor.state(signal);
  const seen: GateFacts = {
    agent: probe.agent,
    process: state,
    ...(detail === undefined ? {} : { processDetail: detail.slice(-2000) }),
  };
  if (state !== 'running') return seen;
  try {
    await askEtcd(probe, request, seen, signal);
  } catch (error) {
    const { code, message } = asAgentError(error);
    seen.problem = { code, message };
  }
  return seen;
}

/** In the order in which a starting etcd comes to answer; fills `seen` as far as it gets. */
async function askEtcd(
  probe: GateProbe,
  request: GateRequest,
  seen: GateFacts,
  signal: AbortSignal,
): Promise<void> {
  const { etcd, plan, clock } = probe;
  const status = await etcd.status(signal);
  seen.clusterId = status.clusterId;
  seen.memberId = status.memberId;
  seen.revision = status.revision;
  // Before everything that needs a quorum: what was written must be found also where it is lost.
  await findPuts(etcd, request, seen, signal);
  if (status.leaderId === undefined) return;
  seen.leaderId = status.leaderId;
  if (request.disarm) await disarm(probe, signal);
  // Asked through consensus, so that this term has committed something: a read that comes earlier is dropped by a new leader, and
  // etcd 3.4 then answers no other read for as long as a request may take (etcdserver/v3_server.go, linearizableReadLoop).
  seen.alarms = await etcd.alarms(signal);
  seen.linearizableRead = await readsLinearizably(etcd, signal);
  seen.servingSinceMs = clock.now();
  seen.members = (await readMembers(etcd, signal)).members;
  seen.write = await writesWithoutAKey(etcd, plan, signal);
  await compare(etcd, request, seen, signal);
}

async function compare(
  etcd: EtcdClient,
  request: GateRequest,
  seen: GateFacts,
  signal: AbortSignal,
): Promise<void> {
  if (request.hashAtRevision !== undefined) {
    const revision = request.hashAtRevision;
    seen.hashKv = { hash: (await hashAt(etcd, revision, signal)).hash, revision };
  }
  if (request.countAtRevision !== undefined) {
    const count = await countKeys(etcd, request.countAtRevision, signal);
    if (count !== undefined) seen.keyCount = count;
  }
}

async function findPuts(
  etcd: EtcdClient,
  { putsAfterRevision }: GateRequest,
  seen: GateFacts,
  signal: AbortSignal,
): Promise<void> {
  if (putsAfterRevision === undefined) return;
  const query = {
    ...ALL_KEYS,
    minModRevision: putsAfterRevision + 1,
    limit: 1,
    keysOnly: true,
    serializable: true,
  };
  seen.putsFound = (await etcd.range(query, signal)).keyValues.length > 0;
}

async function disarm({ etcd, plan }: GateProbe, signal: AbortSignal): Promise<void> {
  const carried = new Set(plan.decided.alarms.carried.map(({ alarm }) => alarm));
  for (const alarm of await etcd.alarms(signal)) {
    if (carried.has(alarm.alarm)) await etcd.disarmAlarm(alarm, signal);
  }
}

/**
 * A lease granted and revoked goes through raft and leaves the revision alone. Under NOSPACE etcd refuses grants but
 * still runs a revoke through raft, so there an unknown lease is revoked and "not found" is the proof.
 */
async function writesWithoutAKey(
  etcd: EtcdClient,
  plan: OperationPlan,
  signal: AbortSignal,
): Promise<boolean> {
  if (plan.decided.alarms.action !== 'tolerate') {
    const { id } = await etcd.grantLease(LEASE_TTL_SECONDS, signal);
    await etcd.revokeLease(id, signal);
    return true;
  }
  try {
    await etcd.revokeLease(UNUSED_LEASE, signal);
  } catch (error) {
    if (!/lease not found/i.test(asAgentError(error).message)) throw error;
  }
  return true;
}
