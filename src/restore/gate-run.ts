import type { Clock } from '../base/clock.ts';
import type { Epoch } from '../formats/restore-journal.ts';
import { gateFacts, type GateFacts, type GateRequest } from '../formats/restore-messages.ts';
import type { OperationDecision } from '../formats/restore-plan.ts';
import type { Failure } from '../formats/identifiers.ts';
import type { CallHost } from './call-host.ts';
import { expectedRevision } from './expected-revision.ts';
import { judgeGate, type GateVerdict } from './gate-verdict.ts';
import { judgeWrites } from './judge-writes.ts';
import { servingHosts } from './serving-hosts.ts';

interface GateOptions {
  readonly plan: OperationDecision;
  readonly epoch: Epoch;
  /** Hosts that are not waited for. */
  readonly without: readonly string[];
  readonly call: CallHost;
  /** From when every host can be asked: what still waits then has failed. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onChange: () => void;
}

const LOOK_AGAIN_MS = 100;
/** HashKV reads the whole history: far longer than any other question. */
const ASK_TIMEOUT_MS = 15_000;
const HASH_TIMEOUT_MS = 30 * 60_000;

type Facts = ReadonlyMap<string, GateFacts | undefined>;

/** One run of the acceptance gate: asks all hosts until the verdict is clear. */
export class GateRun {
  readonly #options: GateOptions;
  /** For people: what is waited for, or what was found. */
  #words: readonly string[] = ['asking every member'];
  #passed: Extract<GateVerdict, { type: 'passed' }> | undefined;
  #servingSinceMs: number | undefined;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  get words(): readonly string[] {
    return this.#words;
  }

  get passed(): Extract<GateVerdict, { type: 'passed' }> | undefined {
    return this.#passed;
  }

  /** Milliseconds since the epoch: the first linearizable read that any host got from the new cluster. */
  get servingSinceMs(): number | undefined {
    return this.#servingSinceMs;
  }

  /**
   * @returns `undefined` when the gate passed, else why it failed. Waits without limit for a host that is silent:
   *   unreachability never causes a rollback.
   */
  async run(signal: AbortSignal): Promise<Failure | undefined> {
    const { plan, epoch, without, clock, timeoutMs } = this.#options;
    const question = { operation: plan.operation, epoch };
    let request: Omit<GateRequest, 'disarm'> = question;
    let reachableSinceMs = clock.now();
    for (;;) {
      signal.throwIfAborted();
      const verdict = judgeGate(plan, await this.#ask(request, signal), without);
      if (verdict.type === 'passed') {
        this.#pass(verdict);
        return undefined;
      }
      if (verdict.type === 'failed') return verdict.failure;
      if (verdict.type === 'compare') {
        this.#say([`comparing HashKV at revision ${verdict.revision} on all members`]);
        request = { ...question, hashAtRevision: verdict.revision, countAtRevision: expectedRevision(plan) };
        continue;
      }
      // The revision to compare at is chosen anew: this one may have been compacted meanwhile.
      request = question;
      this.#say(verdict.waitingFor);
      reachableSinceMs = verdict.unreachable ? clock.now() : Math.min(reachableSinceMs, clock.now());
      if (clock.now() - reachableSinceMs > timeoutMs) {
        const waited = Math.round(timeoutMs / 1000);
        return {
          code: 'TIMED_OUT',
          message: `after ${waited} s the gate still waits: ${verdict.waitingFor.join('; ')}`,
        };
      }
      await clock.sleep(LOOK_AGAIN_MS, signal);
    }
  }

  /**
   * Whether clients may have written: a host shows a key that was put after the revision that the restore left, or enough members are
   * down to hide one. A revision that moved without such a key is what expired leases leave. Waits without limit for hosts that
   * are silent, and for as long as the gate does where etcd does not tell.
   *
   * @param served - Hosts where etcd came up on the restored data, as far as they have reported.
   */
  async clientsWrote(served: () => ReadonlySet<string>, signal: AbortSignal): Promise<boolean> {
    const { plan, epoch, clock, timeoutMs } = this.#options;
    const question = { operation: plan.operation, epoch, putsAfterRevision: expectedRevision(plan) };
    let reachableSinceMs = clock.now();
    for (;;) {
      signal.throwIfAborted();
      const facts = await this.#ask(question, signal);
      const verdict = judgeWrites(servingHosts(plan).length, facts, served());
      if (verdict !== 'unknown') return verdict !== 'none';
      this.#say(['finding out whether clients have written to the new cluster']);
      const isSilent = [...facts.values()].includes(undefined);
      reachableSinceMs = isSilent ? clock.now() : Math.min(reachableSinceMs, clock.now());
      if (clock.now() - reachableSinceMs > timeoutMs) return true;
      await clock.sleep(LOOK_AGAIN_MS, signal);
    }
  }

  #pass(verdict: Extract<GateVerdict, { type: 'passed' }>): void {
    this.#passed = verdict;
    this.#say([
      `all members serve cluster ${verdict.clusterId} with HashKV ${verdict.hash} at revision ${verdict.revision}`,
    ]);
  }

  #say(words: readonly string[]): void {
    if (words.join() === this.#words.join()) return;
    this.#words = words;
    this.#options.onChange();
  }

  async #ask(request: Omit<GateRequest, 'disarm'>, signal: AbortSignal): Promise<Facts> {
    const { plan, without, call } = this.#options;
    const timeoutMs = request.hashAtRevision === undefined ? ASK_TIMEOUT_MS : HASH_TIMEOUT_MS;
    const hosts = servingHosts(plan).filter(({ agent }) => !without.includes(agent));
    const disarming = plan.alarms.action === 'disarm' ? hosts[0]?.agent : undefined;
    const answers = await Promise.all(
      hosts.map(async ({ agent }) => {
        const params: GateRequest = { ...request, disarm: agent === disarming };
        const facts = await call(agent, 'restore.gate', params, { timeoutMs, signal })
          .then((answer) => gateFacts.parse(answer))
          .catch(() => undefined);
        return [agent, facts] as const;
      }),
    );
    for (const [, seen] of answers) this.#noteServing(seen);
    return new Map(answers);
  }

  #noteServing(seen: GateFacts | undefined): void {
    const since = seen?.servingSinceMs;
    if (since === undefined) return;
    this.#servingSinceMs = Math.min(this.#servingSinceMs ?? since, since);
  }
}
