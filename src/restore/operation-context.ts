import { AgentError } from '../base/agent-error.ts';
import { isUndo, type OperationPlan, type PlanHost } from '../formats/restore-plan.ts';
import { generationOf } from './generation-of.ts';
import type { HostIdentity } from './inspect-host.ts';
import { layoutOf } from './layout.ts';
import type { OperationsOptions } from './operations-options.ts';
import { planSnapshotSource } from './plan-snapshot-source.ts';
import type { HostContext } from './steps/host-context.ts';
import { waitForTurnToStop } from './turn-to-stop.ts';

/** What this host's part of a plan may use. @throws {AgentError} `PLAN_MISMATCH` as `plannedHost` does. */
export function contextOf(options: OperationsOptions, plan: OperationPlan): HostContext {
  return contextFor(options, plan, plannedHost(plan, options.host));
}

/** For an operation that has ended: nothing is done any more, so a host that was changed since is no obstacle. */
export function endedContextOf(options: OperationsOptions, plan: OperationPlan): HostContext | undefined {
  const { agent, journalId } = options.host;
  const { hosts } = plan.decided;
  const planned =
    hosts.find((host) => host.agent === agent) ?? hosts.find((host) => host.journalId === journalId);
  return planned === undefined ? undefined : contextFor(options, plan, planned);
}

/** @throws {AgentError} `PLAN_MISMATCH` when the plan is not of this host as it is configured now. */
function plannedHost(plan: OperationPlan, host: HostIdentity): PlanHost {
  const planned = plan.decided.hosts.find(({ agent }) => agent === host.agent);
  if (planned === undefined) {
    const agents = plan.decided.hosts.map(({ agent }) => agent).join(', ');
    throw new AgentError('PLAN_MISMATCH', `the plan is of ${agents}; this host is ${host.agent}`);
  }
  const [planning, now] = [identityOf(planned), identityOf(host)];
  const different = Object.keys(now).filter((name) => planning[name] !== now[name]);
  if (different.length === 0) return planned;
  const words = different.map(
    (name) => `${name} is ${now[name] ?? 'not set'}, the plan says ${planning[name] ?? 'not set'}`,
  );
  throw new AgentError(
    'PLAN_MISMATCH',
    `the plan is not of ${host.agent} as it is configured now: ${words.join('; ')}`,
  );
}

/** What must not change while an operation is under way. */
function identityOf(
  host: Pick<PlanHost, 'journalId' | 'memberName' | 'dataDir' | 'walDir'> & {
    readonly peerUrls: readonly string[];
  },
): Readonly<Record<string, string | undefined>> {
  const { journalId, memberName, dataDir, walDir, peerUrls } = host;
  return { journalId, memberName, dataDir, walDir, peerUrls: [...peerUrls].sort().join(',') };
}

function contextFor(options: OperationsOptions, plan: OperationPlan, planned: PlanHost): HostContext {
  const { host, supervisor, etcd, catalog, prover, settings, call, download, clock, log, lineage } = options;
  const { decided } = plan;
  const otherPeerUrls = decided.hosts
    .filter(({ agent }) => agent !== planned.agent)
    .flatMap(({ peerUrls }) => peerUrls);
  const common = {
    layout: layoutOf(planned, decided),
    supervisor,
    turnToStop: (signal: AbortSignal) => waitForTurnToStop({ etcd, otherPeerUrls, clock }, signal),
    prover,
    settings,
    searchPath: host.searchPath,
    clock,
    log: log.with({ operation: decided.operation }),
  };
  if (isUndo(plan)) {
    const { undoes, operation } = plan.decided;
    const recordGeneration = (): Promise<void> => lineage.revoke(undoes, operation);
    return { ...common, plan, host: hostIn(plan, planned), recordGeneration };
  }
  return {
    ...common,
    plan,
    host: hostIn(plan, planned),
    snapshot: planSnapshotSource({ plan, self: host.agent, catalog, call, download }),
    ...(options.rehearsalOf === undefined ? {} : { rehearsal: options.rehearsalOf(plan.decided) }),
    recordGeneration: () => lineage.add(generationOf(plan, new Date(clock.now()).toISOString())),
  };
}

function hostIn<H extends PlanHost>(
  { decided }: { readonly decided: { readonly hosts: readonly H[] } },
  { agent }: PlanHost,
): H {
  const host = decided.hosts.find((each) => each.agent === agent);
  if (host === undefined) throw new AgentError('PLAN_MISMATCH', `the plan has no host ${agent}`);
  return host;
}
