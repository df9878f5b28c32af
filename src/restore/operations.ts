import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { canonicalSha256 } from '../formats/canonical-json.ts';
import type { Epoch } from '../formats/restore-journal.ts';
import type { AdvanceRequest, KnownOutcome, ParticipantReport } from '../formats/restore-messages.ts';
import type { PlanHost, RestorePlan } from '../formats/restore-plan.ts';
import type { Log } from '../observe/log.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { Catalog } from '../snapshot/catalog.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { appendAudit } from './audit.ts';
import type { CallHost } from './call-host.ts';
import { CoordinatorRunner } from './coordinator-runner.ts';
import { openCoordinator, type CoordinatorState } from './coordinator-state.ts';
import { expectedIdentity } from './expected-identity.ts';
import { foldJournal, type FoldedJournal } from './fold-journal.ts';
import type { HostIdentity } from './inspect-host.ts';
import { Journal } from './journal.ts';
import { layoutOf } from './layout.ts';
import type { LineageStore } from './lineage-store.ts';
import { LocalOperation } from './local-operation.ts';
import { ParticipantRunner } from './participant-runner.ts';
import { planSnapshotSource, type DownloadFile } from './plan-snapshot-source.ts';
import { recheckGuards } from './recheck-guards.ts';
import type { HostContext, HostSettings } from './steps/host-context.ts';

export interface OperationsOptions {
  readonly stateDir: string;
  readonly host: HostIdentity;
  readonly supervisor: Supervisor;
  readonly etcd: EtcdClient;
  readonly catalog: Catalog;
  readonly lineage: LineageStore;
  readonly settings: HostSettings & { readonly gateTimeoutMs: number; readonly peerGraceMs: number };
  readonly call: CallHost;
  readonly download: DownloadFile;
  readonly clock: Clock;
  readonly log: Log;
}

/** All operations that this host ever took part in. At most one is active: it binds the host. */
export class Operations {
  readonly #options: OperationsOptions;
  readonly #known = new Map<string, LocalOperation>();
  readonly #listeners = new Set<(operation: LocalOperation) => void>();
  /** Openings run one after the other, so that two coordinators cannot both find the host free. */
  #opening: Promise<unknown> = Promise.resolve();

  private constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /**
   * Reads every journal back. Nothing is done yet: see `resume`.
   *
   * @throws {AgentError} `JOURNAL_DAMAGED`: the agent must keep the hold and say so.
   */
  static async open(options: OperationsOptions): Promise<Operations> {
    const operations = new Operations(options);
    const root = join(options.stateDir, 'operations');
    await mkdir(root, { recursive: true, mode: 0o700 });
    for (const name of (await readdir(root)).sort()) {
      const path = join(root, name, 'journal');
      const { journal, entries } = await Journal.open(path);
      // The operation had not begun: its first entry never became durable.
      if (entries.length === 0) await journal.close();
      else await operations.#restore(journal, foldJournal(entries, options.settings.peerGraceMs));
    }
    return operations;
  }

  /** The operation that binds this host, if any. */
  get active(): LocalOperation | undefined {
    return [...this.#known.values()].find((operation) => operation.isActive);
  }

  /** Newest first. */
  list(): LocalOperation[] {
    return [...this.#known.values()].reverse();
  }

  /** @throws {AgentError} `OPERATION_UNKNOWN`. Without an id: the active one, else the newest. */
  get(id: string | undefined): LocalOperation {
    const operation = id === undefined ? (this.active ?? this.list()[0]) : this.#known.get(id);
    if (operation !== undefined) return operation;
    throw new AgentError(
      'OPERATION_UNKNOWN',
      id === undefined ? 'no restore was ever run here' : `no operation ${id} here`,
    );
  }

  /** Calls back after each change of any operation. @returns What ends that. */
  onChange(listener: (operation: LocalOperation) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Goes on driving what this host coordinated when it went down. Call when peers can be reached. */
  async resume(): Promise<void> {
    for (const operation of this.#known.values()) await operation.coordinator?.start(true);
  }

  /** Starts a confirmed plan with this host as its coordinator. Returns when the plan is durable here. */
  async run(plan: RestorePlan, requestedBy: string): Promise<LocalOperation> {
    const epoch: Epoch = { counter: 1, agent: this.#options.host.agent };
    const operation = await this.#open(plan, epoch, requestedBy);
    await operation.append([{ type: 'coordinating', at: this.#now() }]);
    const hosts = plan.decided.hosts.map(({ agent }) => agent);
    this.#coordinate(
      operation,
      { epoch, requestedBy },
      openCoordinator(hosts, this.#options.settings.peerGraceMs),
    );
    await operation.coordinator?.start(false);
    this.#changed(operation);
    return operation;
  }

  /** A coordinator's request; `peer` is who really asks. */
  async advance(peer: string, request: AdvanceRequest, signal: AbortSignal): Promise<ParticipantReport> {
    if (request.epoch.agent !== peer) {
      throw new AgentError('PEER_REFUSED', `${peer} speaks for the coordinator ${request.epoch.agent}`);
    }
    const operation = this.#known.get(request.operation) ?? (await this.#openFor(request));
    const report = await operation.advance(request, signal);
    this.#changed(operation);
    return report;
  }

  /** What was decided, for a participant that missed it. */
  outcomeOf(id: string): KnownOutcome {
    const operation = this.#known.get(id);
    if (operation === undefined) return { known: false };
    const ballot = operation.coordinator?.state.ballot;
    const decided = {
      ...operation.participant.state.decided,
      ...(ballot?.decided === true ? { [ballot.slot]: ballot.decision } : {}),
    };
    return { known: true, ...decided };
  }

  /** The end of an operation that this host missed, as a peer knows it. */
  async learn(operation: LocalOperation, goal: 'abort' | 'finish'): Promise<void> {
    const { epoch } = operation.participant.state;
    await operation.participant.dispatch({ type: 'advance', goal, epoch });
    this.#changed(operation);
  }

  async close(): Promise<void> {
    await this.#opening;
    await Promise.all([...this.#known.values()].map((operation) => operation.close()));
  }

  async #openFor(request: AdvanceRequest): Promise<LocalOperation> {
    const { plan, goal, epoch, requestedBy } = request;
    if (plan === undefined || goal !== 'prepare') {
      throw new AgentError(
        'OPERATION_UNKNOWN',
        `${this.#options.host.agent} has no operation ${request.operation}`,
      );
    }
    if (plan.hash !== request.planHash || canonicalSha256(plan.decided) !== plan.hash) {
      throw new AgentError('PLAN_MISMATCH', `the plan of ${request.operation} is not what its hash says`);
    }
    return await this.#open(plan, epoch, requestedBy);
  }

  async #open(plan: RestorePlan, epoch: Epoch, requestedBy: string): Promise<LocalOperation> {
    const opened = this.#opening.then(() => this.#openAlone(plan, epoch, requestedBy));
    this.#opening = opened.catch(() => undefined);
    return await opened;
  }

  async #openAlone(plan: RestorePlan, epoch: Epoch, requestedBy: string): Promise<LocalOperation> {
    const { operation: id } = plan.decided;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const { active } = this;
    if (active !== undefined) {
      throw new AgentError(
        'OPERATION_IN_PROGRESS',
        `${this.#options.host.agent} takes part in operation ${active.id}`,
      );
    }
    const at = this.#now();
    const context = this.#contextOf(plan);
    const journal = await Journal.create(join(this.#options.stateDir, 'operations', id, 'journal'), {
      type: 'opened',
      at,
      version: 1,
      operation: id,
      epoch,
      requestedBy,
      plan,
    });
    const runner = ParticipantRunner.open(this.#runnerOptions(context, journal), epoch);
    return this.#keep(new LocalOperation({ plan, openedAt: at, requestedBy }, runner));
  }

  async #restore(journal: Journal, folded: FoldedJournal): Promise<void> {
    const { plan } = folded;
    const context = this.#contextOf(plan);
    const runner = await ParticipantRunner.resume(this.#runnerOptions(context, journal), folded);
    const operation = this.#keep(new LocalOperation(folded, runner));
    if (folded.coordinator !== undefined) this.#coordinate(operation, folded, folded.coordinator);
  }

  #keep(operation: LocalOperation): LocalOperation {
    this.#known.set(operation.id, operation);
    operation.participant.onChange(() => {
      this.#changed(operation);
    });
    return operation;
  }

  #coordinate(
    operation: LocalOperation,
    { epoch, requestedBy }: { epoch: Epoch; requestedBy: string },
    state: CoordinatorState,
  ): void {
    const { call, clock, log, settings } = this.#options;
    operation.coordinateBy(
      new CoordinatorRunner(
        {
          plan: operation.plan,
          epoch,
          requestedBy,
          call,
          append: (entries) => operation.append(entries),
          checkGuards: (stage, signal) => recheckGuards(call, operation.plan, stage, signal),
          gateTimeoutMs: settings.gateTimeoutMs,
          clock,
          log,
          onChange: () => {
            this.#changed(operation);
          },
        },
        state,
      ),
    );
  }

  #runnerOptions(context: HostContext, journal: Journal) {
    const { agent, journalId } = this.#options.host;
    return { context, journal, agent, journalId };
  }

  /** @throws {AgentError} `PLAN_MISMATCH` when the plan is not of this host as it is configured now. */
  #contextOf(plan: RestorePlan): HostContext {
    const { host, supervisor, catalog, settings, call, download, clock, log, lineage } = this.#options;
    const planned = plan.decided.hosts.find(({ agent }) => agent === host.agent);
    if (planned === undefined || !isSameHost(planned, host)) {
      throw new AgentError('PLAN_MISMATCH', `the plan is not of ${host.agent} as it is configured now`);
    }
    const { operation } = plan.decided;
    return {
      plan,
      host: planned,
      layout: layoutOf(planned, operation),
      supervisor,
      snapshot: planSnapshotSource({ plan, self: host.agent, catalog, call, download }),
      settings,
      searchPath: host.searchPath,
      clock,
      log: log.with({ operation }),
      recordGeneration: async () => {
        await lineage.add({
          operation,
          clusterId: expectedIdentity(plan.decided).clusterId,
          ...(plan.decided.supersedes === undefined
            ? {}
            : { parentClusterId: plan.decided.supersedes.clusterId }),
          restoredRevision: plan.decided.snapshot.revision,
          snapshotId: plan.decided.snapshot.id,
          finishedAt: this.#now(),
        });
      },
    };
  }

  #changed(operation: LocalOperation): void {
    if (operation.noteEnd(this.#now()))
      this.#audit({ ...operation.view(), requestedBy: operation.requestedBy });
    for (const listener of this.#listeners) listener(operation);
  }

  #audit(view: Parameters<typeof appendAudit>[1]): void {
    appendAudit(this.#options.stateDir, view).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the audit log could not be written');
    });
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

function isSameHost(planned: PlanHost, host: HostIdentity): boolean {
  return (
    planned.journalId === host.journalId &&
    planned.memberName === host.memberName &&
    planned.dataDir === host.dataDir &&
    planned.walDir === host.walDir &&
    [...planned.peerUrls].sort().join() === [...host.peerUrls].sort().join()
  );
}
