import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { ControlParams, PlanRequest } from '../formats/control.ts';
import type { OperationView } from '../formats/operation-view.ts';
import type { TakeoverOrder } from '../formats/restore-journal.ts';
import { snapshotManifest } from '../formats/snapshot-manifest.ts';
import type { ControlContext, ControlHandlers } from '../http/control-handlers.ts';
import { outcomesOf } from '../restore/ask-for-outcome.ts';
import type { LocalOperation } from '../restore/local-operation.ts';
import { isEnded } from '../restore/phases.ts';
import { planOperation, planUndo } from '../restore/plan-operation.ts';
import type { AgentParts } from './agent-parts.ts';
import { cleanHandler } from './clean-handler.ts';
import type { PlanStore } from './plan-store.ts';

type RestoreMethod = Extract<keyof ControlHandlers, `restore.${string}`>;

/** Copying a database takes as long as it takes; a peer that died is noticed by its link. */
const COPY_TIMEOUT_MS = 24 * 3_600_000;

/** What `lifeboat restore …` asks of the agent. */
export function restoreHandlers(parts: AgentParts, plans: PlanStore): Pick<ControlHandlers, RestoreMethod> {
  const { operations } = parts;
  return {
    ...cleanHandler(parts),
    'restore.plan': async (request, { signal, onProgress }) => {
      const snapshot = await snapshotOf(parts, request, { signal, onProgress });
      onProgress({ phase: 'asking every host' });
      const plan = await planOperation(planner(parts), { ...wishOf(request), snapshot }, signal);
      await plans.keep(plan);
      return plan;
    },
    'restore.undo.plan': async (wish, { signal, onProgress }) => {
      onProgress({ phase: 'asking every host' });
      const plan = await planUndo(planner(parts), wish, signal);
      await plans.keep(plan);
      return plan;
    },
    'restore.run': async ({ planHash, requestedBy }, context) => {
      const operation = await operations.run(await plans.take(planHash), requestedBy);
      return await follow(parts, operation, context);
    },
    'restore.watch': async ({ operation }, context) =>
      await follow(parts, operations.get(operation), context),
    'restore.status': () => Promise.resolve({ operations: operations.views() }),
    'restore.request': async (request, context) => {
      const operation = operations.get(request.operation);
      await askCoordinator(parts, operation, request, context.signal);
      return await follow(parts, operation, context);
    },
    'restore.takeover': async (request, context) =>
      await takeOver(parts, operations.get(request.operation), request, context),
    'restore.resume': async (request, context) => {
      const operation = operations.get(request.operation);
      await requireNobodyDrives(parts, operation, context.signal);
      return await takeOver(parts, operation, request, context);
    },
  };
}

function planner({ config, call, clock }: AgentParts) {
  const { name } = config.agent;
  return { coordinator: name, agents: [name, ...config.mesh.peers.map((peer) => peer.name)], call, clock };
}

function wishOf(request: PlanRequest) {
  const { skipHashCheck, reason, discardCurrent, allowForeign, disarmAlarms, bumpRevision, without } =
    request;
  return {
    skipHashCheck,
    ...(reason === undefined ? {} : { reason }),
    discardCurrent,
    allowForeign,
    disarmAlarms,
    ...(bumpRevision === undefined ? {} : { bumpRevision }),
    ...(request.rehearse === undefined ? {} : { rehearse: request.rehearse }),
    ...(request.allowNewerSnapshot === undefined ? {} : { allowNewerSnapshot: request.allowNewerSnapshot }),
    without,
  };
}

/** A file or a member's database first becomes a snapshot of the agent that has it. */
async function snapshotOf(
  parts: AgentParts,
  { source, reason, skipHashCheck }: PlanRequest,
  { signal, onProgress }: ControlContext,
): Promise<'latest' | { id: string }> {
  switch (source.from) {
    case 'latest':
      return 'latest';
    case 'snapshot':
      return source.id === 'latest' ? 'latest' : { id: source.id };
    case 'file': {
      const onBytes = (bytes: number): void => {
        onProgress({ phase: `importing ${source.path}`, bytes });
      };
      const options = reason === undefined ? { onBytes } : { onBytes, reason };
      return { id: (await parts.catalog.importFile(source.path, options, signal)).id };
    }
    case 'member': {
      // Before the copy, which would only be refused afterwards.
      if (!skipHashCheck || reason === undefined) {
        throw new AgentError(
          'SNAPSHOT_UNPROVED',
          `the database of ${source.agent} carries no hash of its own`,
        );
      }
      onProgress({ phase: `copying the database of ${source.agent}` });
      const options = { timeoutMs: COPY_TIMEOUT_MS, signal };
      return { id: snapshotManifest.parse(await parts.call(source.agent, 'member.copy', {}, options)).id };
    }
  }
}

async function askCoordinator(
  { call }: AgentParts,
  operation: LocalOperation,
  { kind, without, requestedBy }: ControlParams<'restore.request'>,
  signal: AbortSignal,
): Promise<void> {
  const { agent } = operation.epoch;
  const request = { operation: operation.id, kind, without, requestedBy };
  try {
    await call(agent, 'restore.request', request, { timeoutMs: 10_000, signal });
  } catch (cause) {
    const { code, message, retryable } = asAgentError(cause);
    if (!retryable && code !== 'OPERATION_UNKNOWN') throw cause;
    throw new AgentError(
      'PEER_UNREACHABLE',
      `${agent}, which drove it, cannot be asked (${message}): lifeboat restore takeover ${operation.id}`,
      { cause },
    );
  }
}

async function takeOver(
  parts: AgentParts,
  operation: LocalOperation,
  { order, requestedBy }: { readonly order?: TakeoverOrder | undefined; readonly requestedBy: string },
  context: ControlContext,
): Promise<OperationView> {
  const outcomes = await outcomesOf(parts.call, operation, context.signal);
  const known = outcomes.flatMap(({ epoch }) => epoch ?? []);
  await parts.operations.takeOver(operation, {
    known,
    requestedBy,
    ...(order === undefined ? {} : { order }),
  });
  return await follow(parts, operation, context);
}

/** @throws {AgentError} `OPERATION_REFUSED` naming the coordinator that goes on with it. */
async function requireNobodyDrives(
  { call }: AgentParts,
  operation: LocalOperation,
  signal: AbortSignal,
): Promise<void> {
  const outcomes = await outcomesOf(call, operation, signal);
  const driving = outcomes.find(({ drives }) => drives !== undefined && !isEnded(drives));
  if (driving === undefined) return;
  const { drives = 'unknown', epoch } = driving;
  throw new AgentError(
    'OPERATION_REFUSED',
    `${operation.id}: ${epoch?.agent ?? 'another host'} drives it, and it is ${drives}`,
  );
}

/** Shows each change until the operation has ended for this host. The client's going ends the following only. */
async function follow(
  { operations }: AgentParts,
  operation: LocalOperation,
  { signal, onProgress }: ControlContext,
): Promise<OperationView> {
  return await new Promise((resolve, reject) => {
    const show = (): void => {
      const view = operation.view();
      if (view.endedAt === undefined) {
        onProgress({ phase: view.phase, operation: view });
        return;
      }
      stop();
      resolve(view);
    };
    const giveUp = (): void => {
      stop();
      reject(new AgentError('CANCELLED', `${operation.id} goes on without being watched`));
    };
    const unlisten = operations.onChange((changed) => {
      if (changed === operation) show();
    });
    const stop = (): void => {
      unlisten();
      signal.removeEventListener('abort', giveUp);
    };
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    else show();
  });
}
