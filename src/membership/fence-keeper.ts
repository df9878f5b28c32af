import type { AuditLog } from '../audit/audit-log.ts';
import { asAgentError, messageOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { Generation, MemberIdentity } from '../formats/generation.ts';
import type { Log } from '../observe/log.ts';
import type { Fence } from '../supervisor/hold-file.ts';
import { hasProcess, type Supervisor } from '../supervisor/supervisor.ts';
import { FenceAudit, type FenceNote } from './fence-audit.ts';
import { lineFrom, standingOf, type Standing, type Succession } from './standing-of.ts';

interface FenceKeeperOptions {
  readonly supervisor: Pick<Supervisor, 'fence' | 'liftFence' | 'fencedBy' | 'state' | 'stop' | 'start'>;
  readonly identity: (signal: AbortSignal) => Promise<MemberIdentity | undefined>;
  readonly generations: () => readonly Generation[];
  /** Of the peers' data. */
  readonly peerIdentities: () => readonly MemberIdentity[];
  /** An operation or a rejoin has this host in hand: it is left alone. */
  readonly isBound: () => boolean;
  readonly audit: Pick<AuditLog, 'append' | 'find'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** How this host stands, as it was last seen. */
export interface FenceView {
  readonly identity?: MemberIdentity;
  readonly standing?: Standing;
  readonly fence?: Fence;
  /** Why the fence is not whole. */
  readonly problem?: string;
}

/** Keeps the etcd of a superseded member stopped, and lets it go when it no longer is one. */
export class FenceKeeper {
  readonly #options: FenceKeeperOptions;
  readonly #audit: FenceAudit;
  #view: FenceView = {};

  constructor(options: FenceKeeperOptions) {
    this.#options = options;
    this.#audit = new FenceAudit(options.audit);
  }

  get view(): FenceView {
    return this.#view;
  }

  /**
   * Looks at the host's data and does what follows. A member that a restore superseded is fenced once a peer's data is
   * of the cluster that took its place: where everybody went back to the old data by hand, nobody is stopped.
   *
   * @throws {AgentError} as the supervisor does; what was begun is gone on with by the next look.
   */
  async look(signal: AbortSignal): Promise<void> {
    const known = this.#options.generations();
    const standing = await this.#see(known, signal);
    // What is fenced stays so in a fork: to let it go would be to take a side.
    if (standing === undefined || standing.kind === 'fork' || this.#options.isBound()) return;
    if (standing.kind === 'superseded') await this.#keepOut(standing.by, known, signal);
    else await this.#letGo(standing, signal);
  }

  async #see(known: readonly Generation[], signal: AbortSignal): Promise<Standing | undefined> {
    const identity = await this.#options.identity(signal);
    const fence = await this.#fence();
    const before = this.#view.standing;
    this.#view = fence;
    if (identity === undefined) return undefined;
    const standing = standingOf(identity, known);
    if (standing.kind === 'fork' && before?.kind !== 'fork') this.#reportFork(standing.generations);
    this.#view = { identity, standing, ...fence };
    return standing;
  }

  async #keepOut(by: Succession, known: readonly Generation[], signal: AbortSignal): Promise<void> {
    const { supervisor } = this.#options;
    const { fence: fenced } = this.#view;
    if (fenced === undefined && !this.#isWitnessed(by, known)) return;
    const runs = hasProcess(await supervisor.state(signal));
    const fence = this.#fenceFor(by, fenced, runs);
    await this.#audited('fence', fence, signal, async () => {
      if (fence !== fenced) await this.#place(fence, by, signal);
      // Also where no fence can be placed: a stale member that serves is worse than one that somebody may start again.
      if (runs) await supervisor.stop(signal);
    });
  }

  /** The one that is there, where it is as it should be. */
  #fenceFor({ operation }: Succession, fenced: Fence | undefined, runs: boolean): Fence {
    const wasStopped = fenced?.stopped === true;
    if (fenced?.by === operation && (wasStopped || !runs)) return fenced;
    return {
      by: operation,
      since: fenced?.since ?? new Date(this.#options.clock.now()).toISOString(),
      ...(runs || wasStopped ? { stopped: true } : {}),
    };
  }

  /** The audit log has the intent first. What fails is tried again by the next look, and told once. */
  async #audited(
    action: FenceNote['action'],
    fence: Fence,
    signal: AbortSignal,
    work: () => Promise<void>,
  ): Promise<void> {
    const { identity } = this.#view;
    const tell = (outcome: Omit<FenceNote, 'action'>): Promise<void> =>
      this.#audit.tell({ action, ...outcome }, fence, identity);
    await tell({ stage: 'begun' });
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) await tell({ stage: 'failed', reason: messageOf(error) });
      throw error;
    }
    const { problem } = this.#view;
    await tell(problem === undefined ? { stage: 'done' } : { stage: 'failed', reason: problem });
  }

  /** Some peer's data is of a cluster that came out of it. */
  #isWitnessed(by: Succession, known: readonly Generation[]): boolean {
    const line = lineFrom(by, known);
    return this.#options.peerIdentities().some(({ clusterId }) => line.has(clusterId));
  }

  async #place(fence: Fence, { operation, clusterId }: Succession, signal: AbortSignal): Promise<void> {
    const { supervisor, log } = this.#options;
    log.warn(
      { operation, clusterId, next: 'lifeboat member rejoin' },
      'the member of this host was superseded by a restore: it is kept stopped',
    );
    try {
      await supervisor.fence(fence, signal);
      this.#view = { ...this.#view, fence };
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = asAgentError(error, 'SUPERVISOR_FAILED');
      this.#view = { ...this.#view, problem: `${code}: ${message}` };
      log.error({ err: error }, 'the fence cannot be placed: etcd is stopped without it');
    }
  }

  async #letGo(standing: Standing, signal: AbortSignal): Promise<void> {
    const { supervisor, log } = this.#options;
    const { fence, ...view } = this.#view;
    if (fence === undefined) {
      await this.#audit.tellNone();
      return;
    }
    log.info({ by: fence.by, standing: standing.kind }, 'the member of this host is no longer superseded');
    await this.#audited('unfence', fence, signal, async () => {
      const isDown = fence.stopped === true && !hasProcess(await supervisor.state(signal));
      if (isDown && standing.kind === 'current') await supervisor.start(signal);
      await supervisor.liftFence(signal);
      this.#view = view;
    });
  }

  async #fence(): Promise<{ fence?: Fence }> {
    const fence = await this.#options.supervisor.fencedBy();
    return fence === undefined ? {} : { fence };
  }

  #reportFork(generations: readonly Succession[]): void {
    this.#options.log.error(
      { operations: generations.map(({ operation }) => operation) },
      'several restores began at one cluster: nobody is fenced, and a person must say which of them counts',
    );
  }
}
