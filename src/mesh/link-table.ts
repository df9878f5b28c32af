import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Link } from './link.ts';

/** How this agent stands with one peer. */
export interface LinkState {
  readonly peer: string;
  /** `refused`: it was reached, and one of the two would not have the other. Dialling goes on all the same. */
  readonly state: 'connected' | 'connecting' | 'refused';
  /** When the state began: milliseconds since the Unix epoch. */
  readonly since: number;
  readonly release?: string;
  readonly protocol?: number;
  readonly journalId?: string;
  readonly roundTripMs?: number;
  /** Why there is no link, or why the last one ended. */
  readonly lastError?: string;
}

interface Entry {
  links: Link[];
  state: LinkState['state'];
  since: number;
  refused: boolean;
  lastError: string | undefined;
}

/** All links, by peer. At most one in each direction: a newer one of the same agent replaces the older. */
export class LinkTable {
  readonly #entries: Map<string, Entry>;
  readonly #clock: Clock;
  readonly #log: Log | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(peers: readonly string[], clock: Clock, log: Log | undefined) {
    this.#clock = clock;
    this.#log = log;
    const since = clock.now();
    this.#entries = new Map(
      peers.map((peer) => [
        peer,
        { links: [], state: 'connecting', since, refused: false, lastError: undefined },
      ]),
    );
  }

  /**
   * Two agents may not go by one name: while a link with the first is up, the second is refused.
   *
   * @throws {AgentError} `PEER_REFUSED`.
   */
  checkJournal(peer: string, journalId: string): void {
    const other = this.#open(peer).find((link) => link.party.journalId !== journalId);
    if (other === undefined) return;
    throw new AgentError(
      'PEER_REFUSED',
      `two agents call themselves ${peer}: one with the journal ${other.party.journalId} is linked, and one with ${journalId} came`,
    );
  }

  add(link: Link): void {
    const entry = this.#entry(link.party.name);
    const older = entry.links.filter(({ direction }) => direction === link.direction);
    entry.links.push(link);
    entry.refused = false;
    this.#update(link.party.name, entry);
    for (const old of older) old.close(`${link.party.name} opened another link`);
  }

  remove(link: Link, reason: string): void {
    const entry = this.#entry(link.party.name);
    entry.links = entry.links.filter((other) => other !== link);
    entry.lastError = reason;
    this.#update(link.party.name, entry);
  }

  noteFailure(peer: string, error: AgentError): void {
    const entry = this.#entry(peer);
    entry.refused = error.code === 'PEER_REFUSED' || error.code === 'PROTOCOL_MISMATCH';
    entry.lastError = error.message;
    this.#update(peer, entry);
  }

  /**
   * The link to ask `peer` over: the one that this agent dialled, else the one it accepted.
   *
   * @throws {AgentError} `PEER_UNKNOWN`, or `PEER_UNREACHABLE` at once when there is none.
   */
  choose(peer: string): Link {
    const entry = this.#entry(peer);
    const open = this.#open(peer);
    const link = open.find(({ direction }) => direction === 'dialled') ?? open[0];
    if (link !== undefined) return link;
    const why = entry.lastError ?? 'it was not reached yet';
    throw new AgentError('PEER_UNREACHABLE', `there is no link to ${peer}: ${why}`, { details: { peer } });
  }

  states(): LinkState[] {
    return [...this.#entries].map(([peer, entry]) => {
      const [link] = this.#open(peer);
      const party = link?.party;
      return {
        peer,
        state: entry.state,
        since: entry.since,
        ...(party && { release: party.release, protocol: party.protocol, journalId: party.journalId }),
        ...(link?.roundTripMs === undefined ? {} : { roundTripMs: link.roundTripMs }),
        ...(entry.lastError === undefined ? {} : { lastError: entry.lastError }),
      };
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  all(): Link[] {
    return [...this.#entries.values()].flatMap(({ links }) => links);
  }

  #entry(peer: string): Entry {
    const entry = this.#entries.get(peer);
    if (entry !== undefined) return entry;
    throw new AgentError('PEER_UNKNOWN', `${peer} is not among the peers of this agent`, {
      details: { peer },
    });
  }

  #open(peer: string): Link[] {
    return this.#entry(peer).links.filter(({ isOpen }) => isOpen);
  }

  #update(peer: string, entry: Entry): void {
    const fallback = entry.refused ? 'refused' : 'connecting';
    const state = entry.links.length > 0 ? 'connected' : fallback;
    if (state === entry.state) return;
    entry.state = state;
    entry.since = this.#clock.now();
    if (state === 'connected') entry.lastError = undefined;
    this.#log?.info({ peer, state, lastError: entry.lastError }, 'a link changed');
    for (const listener of this.#listeners) listener();
  }
}
