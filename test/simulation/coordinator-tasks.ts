import type { GateFacts } from '../../src/formats/restore-messages.ts';
import { expectedIdentity, type ExpectedIdentity } from '../../src/restore/expected-identity.ts';
import { expectedRevision } from '../../src/restore/expected-revision.ts';
import { servedHosts } from '../../src/restore/coordinator-state.ts';
import { judgeWrites } from '../../src/restore/judge-writes.ts';
import { judgeGate } from '../../src/restore/gate-verdict.ts';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { compareEpochs, majorityOf } from '../../src/restore/ballot.ts';
import { GATE_TIMEOUT_MS, type RestoreWorld } from './restore-world.ts';
import type { SimulatedCoordinator } from './simulated-coordinator.ts';
import type { SimulatedHost } from './simulated-host.ts';

const NO_LEADER = { code: 'ETCD_NO_LEADER', message: 'no leader' };

type Facts = Map<string, GateFacts | undefined>;

/** One look of whatever the coordinator waits for: guards, the acceptance gate, clients' writes. */
export function answerTask(
  world: RestoreWorld,
  host: SimulatedHost,
  coordinator: SimulatedCoordinator,
): void {
  const task = coordinator.tasks.shift();
  switch (task?.type) {
    case undefined:
      return;
    case 'check-guards': {
      const failure = guardFailure(world, host);
      coordinator.report(
        failure === undefined
          ? { type: 'guard-passed', stage: task.stage }
          : { type: 'guard-failed', failure: { code: 'GUARD_CHANGED', message: failure } },
      );
      return;
    }
    case 'run-gate':
      lookAtGate(world, host, coordinator);
      return;
    case 'check-writes':
      lookForWrites(world, host, coordinator);
  }
}

function guardFailure(world: RestoreWorld, { name }: SimulatedHost): string | undefined {
  if (world.guardFails) {
    world.guardFails = false;
    return 'not as planned';
  }
  const silent = world.hosts.find((host) => world.reach(name, host.name) === undefined);
  return silent === undefined ? undefined : `${silent.name} does not answer`;
}

function lookAtGate(world: RestoreWorld, host: SimulatedHost, coordinator: SimulatedCoordinator): void {
  const { without } = coordinator.state;
  const verdict = judgeGate(world.plan.decided, factsFor(world, host, without), without);
  const now = world.nowMs + host.clockOffsetMs;
  if (verdict.type === 'passed') {
    coordinator.report({ type: 'gate-passed' });
  } else if (verdict.type === 'failed') {
    world.hasReasonToGoBack = true;
    coordinator.report({ type: 'gate-failed', failure: verdict.failure });
  } else {
    if (verdict.type === 'waiting' && verdict.unreachable) coordinator.gateReachableSinceMs = now;
    coordinator.gateReachableSinceMs = Math.min(coordinator.gateReachableSinceMs ?? now, now);
    if (now - coordinator.gateReachableSinceMs > GATE_TIMEOUT_MS) {
      world.hasReasonToGoBack = true;
      const failure = { code: 'TIMED_OUT', message: 'the gate still waits' };
      coordinator.report({ type: 'gate-failed', failure });
    } else {
      coordinator.tasks.push({ type: 'run-gate' });
    }
  }
}

function lookForWrites(world: RestoreWorld, host: SimulatedHost, coordinator: SimulatedCoordinator): void {
  const { state } = coordinator;
  const facts = factsFor(world, host, state.without);
  const now = world.nowMs + host.clockOffsetMs;
  const verdict = judgeWrites(world.hosts.length, facts, servedHosts(state));
  if ([...facts.values()].includes(undefined)) coordinator.gateReachableSinceMs = now;
  coordinator.gateReachableSinceMs = Math.min(coordinator.gateReachableSinceMs ?? now, now);
  const isOver = now - coordinator.gateReachableSinceMs > GATE_TIMEOUT_MS;
  if (verdict === 'unknown' && !isOver) {
    coordinator.tasks.push({ type: 'check-writes' });
    return;
  }
  // What only lost hosts had is lost with them.
  world.clientsHadWritten = world.hosts.some(({ isLeft, machine }) => isLeft && machine.hasWrites);
  coordinator.report({ type: 'writes-checked', clientsWrote: verdict !== 'none' });
}

function factsFor(world: RestoreWorld, asker: SimulatedHost, without: readonly string[]): Facts {
  const identity = identityOf(world.plan);
  const asked = world.hosts.filter(({ name }) => !without.includes(name));
  return new Map(asked.map((host) => [host.name, factsOf(world, asker, host, identity)]));
}

/** As `restore.gate` answers for one host. */
function factsOf(
  world: RestoreWorld,
  asker: SimulatedHost,
  host: SimulatedHost,
  identity: ExpectedIdentity,
): GateFacts | undefined {
  const participant = world.reach(asker.name, host.name)?.participant;
  const epoch = asker.running?.coordinator?.state.epoch;
  if (participant === undefined || epoch === undefined) return undefined;
  const { state } = participant;
  if (compareEpochs(epoch, state.epoch) < 0) return undefined;
  if (state.resumed || state.working) return { agent: host.name, process: 'starting' };
  return etcdFacts(world, host, identity);
}

function etcdFacts(world: RestoreWorld, host: SimulatedHost, identity: ExpectedIdentity): GateFacts {
  const agent = host.name;
  const { etcd, hasWrites } = host.machine;
  if (etcd === undefined) return { agent, process: 'stopped' };
  const clusterId = etcd.data === 'new' ? identity.clusterId : 'old';
  const memberId = identity.memberIds.get(agent) ?? 'none';
  const known = { agent, process: 'running', clusterId, memberId, putsFound: hasWrites } as const;
  return newClusterServes(world)
    ? { ...known, ...servedBy(world, host, identity) }
    : { ...known, problem: NO_LEADER };
}

/** What etcd tells when its cluster has a leader. */
function servedBy({ plan, gateFails }: RestoreWorld, { name }: SimulatedHost, identity: ExpectedIdentity) {
  const revision = expectedRevision(plan.decided);
  return {
    ...{ leaderId: '1', revision, alarms: [], linearizableRead: true, write: true },
    members: [...identity.memberIds].map(([member, id]) => memberSeen(plan, member, id)),
    hashKv: { hash: gateFails ? Number(name.slice(1)) : 7, revision },
    ...(gateFails ? { keyCount: -1 } : {}),
  };
}

function memberSeen(plan: RestorePlan, name: string, id: string) {
  const peerUrls = plan.decided.hosts.find(({ agent }) => agent === name)?.peerUrls ?? [];
  return { id, name, peerUrls: [...peerUrls], clientUrls: [], isLearner: false };
}

/** Whether the restored cluster has a quorum. */
export function newClusterServes({ hosts }: RestoreWorld): boolean {
  const serving = hosts.filter(({ machine }) => machine.etcd?.data === 'new' && !machine.etcd.stopping);
  return serving.length >= majorityOf(hosts.length);
}

const identities = new WeakMap<RestorePlan, ExpectedIdentity>();

function identityOf(plan: RestorePlan): ExpectedIdentity {
  const known = identities.get(plan) ?? expectedIdentity(plan.decided);
  identities.set(plan, known);
  return known;
}
