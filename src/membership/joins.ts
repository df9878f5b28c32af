import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import type { AuditLog } from '../audit/audit-log.ts';
import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { compactTime } from '../base/compact-time.ts';
import { pathExists } from '../base/path-exists.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { AuditEvent } from '../formats/audit-record.ts';
import { canonicalSha256 } from '../formats/canonical-json.ts';
import type { JoinDecision, JoinPlan, JoinRecord } from '../formats/membership.ts';
import type { Log } from '../observe/log.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { openClusterDoor } from './cluster-door.ts';
import type { JoinWish } from './decide-join.ts';
import type { JoinEtcdOptions } from './join-etcd.ts';
import { joinSteps, type JoinContext } from './join-steps.ts';
import type { JoinStore } from './join-store.ts';
import type { CallPeer } from './lineage-gossip.ts';
import type { DataPlaces } from './local-identity.ts';
import { hasWalEntries } from './wal-entries.ts';

export interface JoinsOptions {
  readonly store: JoinStore;
  readonly places: DataPlaces;
  readonly supervisor: Supervisor;
  readonly etcd: EtcdClient;
  /** Looks at this host and its peers, and decides. Throws what `decideJoin` throws. */
  readonly decide: (wish: JoinWish, signal: AbortSignal) => Promise<JoinDecision>;
  /** @throws {AgentError} `JOIN_UNSUPPORTED` where etcd cannot be started by the agent. */
  readonly joinEtcd: (signal: AbortSignal) => Promise<JoinEtcdOptions>;
  /** The operation that has the host in hand, if any. */
  readonly boundBy: () => string | undefined;
  /** Called when the host is a member: which cluster it is in. */
  readonly joined: (clusterId: string) => Promise<void>;
  readonly call: CallPeer;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
  readonly log: Log;
}

type MemberEvent = Extract<AuditEvent, { event: 'member' }>;

/** What is done now, for whoever follows. */
export interface JoinProgress {
  readonly step: string;
  readonly words?: string;
}

/** The way back into a cluster, one at a time on a host: planned, confirmed, carried out step by step, gone on with after a crash. */
export class Joins {
  readonly #options: JoinsOptions;
  readonly #changed = new EventEmitter();
  readonly #closing = new AbortController();
  #planned: JoinPlan | undefined;
  #running: Promise<JoinRecord> | undefined;

  constructor(options: JoinsOptions) {
    this.#options = options;
    this.#changed.setMaxListeners(0);
  }

  /** The one that has not ended, at work or waiting to be gone on with. */
  get unfinished(): JoinRecord | undefined {
    return this.#options.store.unfinished;
  }

  /** One was ever begun here. */
  get wasBegun(): boolean {
    return this.#options.store.wasBegun;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /**
   * What would be done. One that was begun and has not ended is shown again, whatever is wished now.
   *
   * @throws {AgentError} `OPERATION_IN_PROGRESS`, `JOIN_UNSUPPORTED`, and what `decideJoin` throws.
   */
  async plan(
    wish: JoinWish,
    signal: AbortSignal,
  ): Promise<{ readonly plan: JoinPlan; readonly begun?: JoinRecord }> {
    this.#refuseBound();
    const begun = this.unfinished;
    if (begun !== undefined) return { plan: begun.plan, begun };
    await this.#options.joinEtcd(signal);
    const decided = await this.#options.decide(wish, signal);
    const id = `${decided.kind}-${compactTime(this.#options.clock.now())}`;
    const plan = { id, hash: canonicalSha256(decided), decided, setAside: await this.#movesFor(id) };
    this.#planned = plan;
    return { plan };
  }

  /**
   * Carries out the plan of that hash, or goes on with the one that was begun. Who follows may leave; it goes on.
   *
   * @throws {AgentError} `PLAN_UNKNOWN`; `GUARD_CHANGED` when things are no longer as planned; the code of the step that failed, which
   *   the next call goes on with.
   */
  async run(
    { planHash, requestedBy }: { readonly planHash: string; readonly requestedBy: string },
    onProgress: (progress: JoinProgress) => void,
  ): Promise<JoinRecord> {
    this.#changed.on('progress', onProgress);
    try {
      this.#running ??= this.#begin(planHash, requestedBy).finally(() => {
        this.#running = undefined;
        this.#changed.emit('ended');
      });
      return await this.#running;
    } finally {
      this.#changed.off('progress', onProgress);
    }
  }

  /** Goes on with what a crash interrupted; how it ends is told by the log, and by `unfinished`. */
  resume(): void {
    const begun = this.unfinished;
    if (begun === undefined || begun.failure !== undefined || this.#options.boundBy() !== undefined) return;
    const { plan, requestedBy } = begun;
    this.#options.log.info({ join: plan.id, done: begun.done }, 'a rejoin that was interrupted goes on');
    this.run({ planHash: plan.hash, requestedBy }, () => undefined).catch(() => undefined);
  }

  /** A restore has taken the host over: what was begun is not gone on with. */
  async abandon(): Promise<void> {
    const begun = this.unfinished;
    if (begun === undefined || this.isRunning) return;
    await this.#options.store.keep({ ...begun, abandoned: true, endedAt: this.#now() });
    await this.#tell(begun, { stage: 'failed', reason: 'a restore has this host in hand' });
    this.#options.log.warn(
      { join: begun.plan.id },
      'a rejoin was given up, as a restore has this host in hand',
    );
  }

  /** Calls back when one has begun or ended. */
  onEnded(listener: () => void): void {
    this.#changed.on('ended', listener);
  }

  /** Ends the running step; the next start goes on with it. */
  async close(): Promise<void> {
    this.#closing.abort(new AgentError('CANCELLED', 'the agent stops'));
    await this.#running?.catch(() => undefined);
  }

  async #begin(planHash: string, requestedBy: string): Promise<JoinRecord> {
    this.#refuseBound();
    const record = this.unfinished ?? (await this.#open(planHash, requestedBy));
    if (record.plan.hash !== planHash) {
      throw new AgentError('JOIN_IN_PROGRESS', `${record.plan.id} was begun, and has another plan`);
    }
    const { log, clock } = this.#options;
    const startedMs = clock.now();
    log.info(
      { join: record.plan.id, requestedBy, clusterId: record.plan.decided.clusterId },
      'this host joins a cluster',
    );
    await this.#tell(record, { stage: 'begun', requestedBy });
    try {
      const ended = await this.#carryOut(withoutFailure(record));
      await this.#tell(ended, { stage: 'done', requestedBy });
      log.info({ join: record.plan.id, durationMs: clock.now() - startedMs }, 'this host is a voting member');
      return ended;
    } catch (error) {
      const { code, message } = asAgentError(error, 'JOIN_FAILED');
      log.error({ join: record.plan.id, err: error }, 'joining a cluster goes no further');
      const failed = this.unfinished;
      if (failed !== undefined && code !== 'CANCELLED') {
        await this.#options.store.keep({ ...failed, failure: { code, message } });
        await this.#tell(failed, { stage: 'failed', requestedBy, reason: `${code}: ${message}` });
      }
      throw error;
    }
  }

  async #open(planHash: string, requestedBy: string): Promise<JoinRecord> {
    const planned = this.#planned;
    if (planned?.hash !== planHash)
      throw new AgentError('PLAN_UNKNOWN', `this agent made no plan ${planHash} to join a cluster`);
    const { kind, remove } = planned.decided;
    const wish: JoinWish = kind === 'rejoin' ? { kind } : { kind, name: remove[0]?.id ?? '' };
    const now = canonicalSha256(await this.#options.decide(wish, this.#closing.signal));
    if (now !== planHash)
      throw new AgentError('GUARD_CHANGED', `members or hosts are not as they were planned with`);
    this.#planned = undefined;
    const record: JoinRecord = { version: 1, plan: planned, requestedBy, startedAt: this.#now(), done: [] };
    await this.#options.store.keep(record);
    return record;
  }

  async #carryOut(begun: JoinRecord): Promise<JoinRecord> {
    const { store, joined } = this.#options;
    const signal = this.#closing.signal;
    await store.keep(begun);
    const record = (): JoinRecord => store.unfinished ?? begun;
    for (const step of joinSteps(this.#contextOf(record))) {
      if (record().done.includes(step.name)) continue;
      this.#say({ step: step.name });
      signal.throwIfAborted();
      if (!(await step.isDone(signal))) {
        await store.keep({ ...record(), started: step.name });
        await step.run(signal);
        if (!(await step.isDone(signal)))
          throw new AgentError(
            'JOIN_FAILED',
            `${step.name}: it ran without an error, yet its effect is not there`,
          );
      }
      const { started: _started, ...rest } = record();
      await store.keep({ ...rest, done: [...rest.done, step.name] });
    }
    await joined(record().plan.decided.clusterId);
    const ended = { ...record(), endedAt: this.#now() };
    await store.keep(ended);
    return ended;
  }

  #contextOf(record: () => JoinRecord): JoinContext {
    const { store, places, supervisor, etcd, joinEtcd, call, clock } = this.#options;
    const { clusterId, through } = record().plan.decided;
    return {
      record,
      keep: (learned) => store.keep({ ...record(), ...learned }),
      places,
      supervisor,
      etcd,
      door: openClusterDoor({ clusterId, through, call, clock }),
      joinEtcd,
      clock,
      say: (words) => {
        this.#say({ step: record().started ?? '', words });
      },
    };
  }

  /** A step that a stop of the agent cut short has no outcome: the next start begins again. */
  async #tell(
    { plan, memberId }: JoinRecord,
    told: Pick<MemberEvent, 'stage' | 'requestedBy' | 'reason'>,
  ): Promise<void> {
    const { reason } = told;
    await this.#options.audit.append({
      event: 'member',
      action: 'join',
      ...told,
      operation: plan.id,
      clusterId: plan.decided.clusterId,
      ...(memberId === undefined ? {} : { memberId }),
      ...(reason === undefined ? {} : { reason: reason.slice(0, 8192) }),
    });
  }

  #say(progress: JoinProgress): void {
    this.#changed.emit('progress', progress);
  }

  async #movesFor(id: string): Promise<JoinPlan['setAside']> {
    const { dataDir, walDir } = this.#options.places;
    const member = join(dataDir, 'member');
    return [
      ...((await pathExists(member)) ? [{ from: member, to: join(dataDir, `member.before-${id}`) }] : []),
      ...(walDir !== undefined && (await hasWalEntries(walDir))
        ? [{ from: walDir, to: join(walDir, `wal.before-${id}`) }]
        : []),
    ];
  }

  #refuseBound(): void {
    const bound = this.#options.boundBy();
    if (bound !== undefined)
      throw new AgentError('OPERATION_IN_PROGRESS', `this host takes part in operation ${bound}`);
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

function withoutFailure({ failure: _failure, ...record }: JoinRecord): JoinRecord {
  return record;
}
