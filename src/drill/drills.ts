import { AgentError } from '../base/agent-error.ts';
import type { DrillContext, OnDrillProgress } from './drill-context.ts';
import { runDrill, type DrillReport, type DrillRequest } from './run-drill.ts';
import { scratchRoot, sweepScratch } from './scratch.ts';

interface UnderWay {
  readonly forRestore: boolean;
  readonly abort: AbortController;
  /** Never rejects. */
  readonly ended: Promise<unknown>;
}

/** The drills of one host: one at a time, as each takes the memory and the disk of a second etcd. */
export class Drills {
  /** What an earlier agent left behind and is gone now. */
  readonly swept: readonly string[];
  readonly #context: DrillContext;
  #underWay: UnderWay | undefined;
  #closed = false;

  private constructor(context: DrillContext, swept: readonly string[]) {
    this.#context = context;
    this.swept = swept;
  }

  /** Ends and removes what a crash of an earlier agent left of its drills. */
  static async open(context: DrillContext, signal: AbortSignal): Promise<Drills> {
    const root = scratchRoot(context.catalog.directory);
    return new Drills(context, await sweepScratch(root, context.clock, signal));
  }

  get isRunning(): boolean {
    return this.#underWay !== undefined;
  }

  /** @throws {AgentError} `DRILL_RUNNING` while there is another; as `runDrill`. */
  async run(
    request: DrillRequest,
    signal: AbortSignal,
    onProgress: OnDrillProgress = ignore,
  ): Promise<DrillReport> {
    return await this.#start({ request, signal, onProgress }, false);
  }

  /** A drill that a restore waits for: it ends another that is under way. @throws {AgentError} as `runDrill`. */
  async rehearse(
    request: DrillRequest,
    signal: AbortSignal,
    onProgress: OnDrillProgress = ignore,
  ): Promise<DrillReport> {
    await this.makeWay('a restore rehearses');
    return await this.#start({ request, signal, onProgress }, true);
  }

  /** Ends the drill under way, unless a restore waits for it. Resolves when nothing of it is left. */
  async makeWay(reason: string): Promise<void> {
    const underWay = this.#underWay;
    if (underWay === undefined || underWay.forRestore) return;
    underWay.abort.abort(new AgentError('CANCELLED', `the drill was ended: ${reason}`));
    await underWay.ended;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const underWay = this.#underWay;
    underWay?.abort.abort(new AgentError('CANCELLED', 'the drill was ended: the agent stops'));
    await underWay?.ended;
  }

  async #start({ request, signal, onProgress }: Asked, forRestore: boolean): Promise<DrillReport> {
    if (this.#underWay !== undefined)
      throw new AgentError('DRILL_RUNNING', 'another drill is under way on this host');
    if (this.#closed) throw new AgentError('CANCELLED', 'the agent stops');
    const abort = new AbortController();
    const either = AbortSignal.any([signal, abort.signal]);
    const running = runDrill(this.#context, request, either, onProgress).finally(() => {
      this.#underWay = undefined;
    });
    this.#underWay = { forRestore, abort, ended: running.catch(() => undefined) };
    return await running;
  }
}

interface Asked {
  readonly request: DrillRequest;
  readonly signal: AbortSignal;
  readonly onProgress: OnDrillProgress;
}

function ignore(): void {
  // Nobody asked for progress.
}
