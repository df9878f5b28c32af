import type { WebSocket } from 'ws';
import { AgentError } from '../base/agent-error.ts';
import { dial } from './dial.ts';
import { FrameSocket } from './frame-socket.ts';
import { greetAsAcceptor, greetAsDialler, type Greeting } from './handshake.ts';
import type { LinkTable } from './link-table.ts';
import { Link } from './link.ts';
import type { MeshPeer, MeshSettings, RequestHandler } from './mesh-options.ts';
import { readSecret } from './shared-secret.ts';
import { Slots } from './slots.ts';
import { withTimeLimit } from './time-limit.ts';

interface PeerSlots {
  readonly outgoing: Slots;
  readonly incoming: Slots;
}

/** Makes links out of connections: greets, and gives each link what it needs. */
export class Greeter {
  readonly #settings: MeshSettings;
  readonly #table: LinkTable;
  readonly #handle: RequestHandler;
  readonly #slots: ReadonlyMap<string, PeerSlots>;

  constructor(settings: MeshSettings, table: LinkTable, handle: RequestHandler) {
    this.#settings = settings;
    this.#table = table;
    this.#handle = handle;
    const limit = settings.limits.maxRequestsInFlight;
    this.#slots = new Map(
      settings.peers.map(({ name }) => [name, { outgoing: new Slots(limit), incoming: new Slots(limit) }]),
    );
  }

  /** Dials one peer and greets it. @throws {AgentError} As `dial` and `greetAsDialler`. */
  async dialPeer(peer: MeshPeer, signal: AbortSignal): Promise<Link> {
    const socket = await dial(peer, this.#settings, signal);
    const greeting = await this.#greeting(new Set([peer.name]), socket);
    const party = await this.#withinHelloTime(peer.name, socket, signal, (limited) =>
      greetAsDialler(socket, greeting, limited),
    );
    return this.#link(socket, party, 'dialled');
  }

  /**
   * Greets who dialled this agent.
   *
   * @param names - What the other end may call itself.
   */
  async acceptPeer(opened: WebSocket, names: ReadonlySet<string>, signal: AbortSignal): Promise<Link> {
    const { clock, limits } = this.#settings;
    const socket = new FrameSocket(opened, clock, limits.maxFrameBytes);
    const greeting = await this.#greeting(names, socket);
    const party = await this.#withinHelloTime('a client', socket, signal, (limited) =>
      greetAsAcceptor(socket, greeting, limited),
    );
    return this.#link(socket, party, 'accepted');
  }

  #link(
    socket: FrameSocket,
    party: Awaited<ReturnType<typeof greetAsDialler>>,
    direction: 'dialled' | 'accepted',
  ): Link {
    const slots = this.#slots.get(party.name);
    if (slots === undefined)
      throw new AgentError('PEER_REFUSED', `${party.name} is not a peer of this agent`);
    const { clock, heartbeatMs, limits, log } = this.#settings;
    return new Link(socket, {
      party,
      direction,
      clock,
      heartbeatMs,
      limits,
      slots,
      handle: this.#handle,
      log,
    });
  }

  async #greeting(names: ReadonlySet<string>, socket: FrameSocket): Promise<Greeting> {
    const { journalId, release, secretFile, self, tls } = this.#settings;
    try {
      const secret = tls === undefined && secretFile !== undefined ? await readSecret(secretFile) : undefined;
      return {
        self: { agent: self, journalId, release },
        ...(secret === undefined ? {} : { secret }),
        admit: (name, theirs) => {
          this.#admit(names, name, theirs);
        },
      };
    } catch (error) {
      socket.cut('the greeting could not be prepared');
      throw error;
    }
  }

  #admit(names: ReadonlySet<string>, name: string, journalId: string): void {
    if (!names.has(name)) {
      const allowed = [...names].join(' or ') || 'nobody';
      throw new AgentError(
        'PEER_REFUSED',
        `an agent calls itself ${JSON.stringify(name.slice(0, 64))}, and ${this.#settings.self} expected ${allowed}`,
      );
    }
    this.#table.checkJournal(name, journalId);
  }

  async #withinHelloTime<T>(
    who: string,
    socket: FrameSocket,
    signal: AbortSignal,
    greet: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { clock, limits } = this.#settings;
    const timeoutMs = limits.helloTimeoutMs;
    const late = (): AgentError =>
      new AgentError('PEER_TIMEOUT', `${who} did not finish the greeting within ${timeoutMs} ms`);
    try {
      return await withTimeLimit({ clock, timeoutMs, signal, late }, greet);
    } catch (error) {
      if (signal.aborted) socket.cut('the mesh is closing');
      throw error;
    }
  }
}
