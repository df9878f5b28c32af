import { AgentError, messageOf } from '../base/agent-error.ts';
import { generationExchange, type Generation, type MemberIdentity } from '../formats/generation.ts';
import type { Log } from '../observe/log.ts';

/** What this host knows of restores, and how it learns more: `LineageStore` of restore/. */
export interface KnownGenerations {
  readonly record: { readonly generations: readonly Generation[] };
  learn(generations: readonly Generation[]): Promise<readonly Generation[]>;
}

/** Asks another agent. */
export type CallPeer = (
  agent: string,
  method: string,
  params: unknown,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<unknown>;

interface GossipOptions {
  readonly lineage: KnownGenerations;
  readonly identity: (signal: AbortSignal) => Promise<MemberIdentity | undefined>;
  readonly call: CallPeer;
  readonly log: Log;
}

const EXCHANGE_TIMEOUT_MS = 10_000;
/** The newest are what matters, and a frame is limited. */
const MOST_TOLD = 64;

/** Tells peers of finished restores and hears of theirs: a host that missed one learns of it from whoever it meets first. */
export class LineageGossip {
  readonly #options: GossipOptions;
  /** Who each peer's data was of when it was last heard. */
  readonly #identities = new Map<string, MemberIdentity | undefined>();
  /** What each peer was told last, and over which link. */
  readonly #told = new Map<string, string>();

  constructor(options: GossipOptions) {
    this.#options = options;
  }

  /** Of the peers that said who they are. */
  get peerIdentities(): MemberIdentity[] {
    return [...this.#identities.values()].filter((identity) => identity !== undefined);
  }

  /** A peer's exchange. @throws {AgentError} `FRAME_INVALID`; nothing was learned then. */
  async answer(peer: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    await this.#hear(peer, params);
    return await this.#own(signal);
  }

  /**
   * Exchanges with each peer that has not heard what is known now. One that cannot be asked is asked again next time.
   *
   * @param links - The connected peers, each with what changes when its link does.
   */
  async exchange(
    links: readonly { readonly peer: string; readonly since: number }[],
    signal: AbortSignal,
  ): Promise<void> {
    const own = await this.#own(signal);
    await Promise.all(
      links.map(async ({ peer, since }) => {
        const mark = `${since} ${JSON.stringify(own)}`;
        if (this.#told.get(peer) === mark) return;
        try {
          const options = { timeoutMs: EXCHANGE_TIMEOUT_MS, signal };
          await this.#hear(peer, await this.#options.call(peer, 'generation.exchange', own, options));
          this.#told.set(peer, mark);
        } catch (error) {
          signal.throwIfAborted();
          // It tells by itself when it can.
          this.#options.log.debug(
            { peer, error: messageOf(error) },
            'restores were not exchanged with a peer',
          );
        }
      }),
    );
  }

  async #own(signal: AbortSignal): Promise<unknown> {
    const { lineage, identity } = this.#options;
    const own = await identity(signal);
    const generations = lineage.record.generations.slice(-MOST_TOLD);
    return { generations, ...(own === undefined ? {} : { identity: own }) };
  }

  async #hear(peer: string, message: unknown): Promise<void> {
    const parsed = generationExchange.safeParse(message);
    if (!parsed.success) {
      throw new AgentError('FRAME_INVALID', `generations of ${peer}: ${parsed.error.message.slice(0, 500)}`);
    }
    const news = await this.#options.lineage.learn(parsed.data.generations);
    this.#identities.set(peer, parsed.data.identity);
    for (const { operation, clusterId, parentClusterId, revokedBy } of news) {
      const fields = { peer, operation, clusterId, parentClusterId, revokedBy };
      this.#options.log.info(fields, 'a peer told of a restore that this host did not know');
    }
  }
}
