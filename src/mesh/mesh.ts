import type { WebSocket } from 'ws';
import { AgentError } from '../base/agent-error.ts';
import { ticketParams, ticketResult } from '../formats/mesh-frame.ts';
import { downloadFile, type Download } from './download.ts';
import { isFileId } from './file-request.ts';
import { FileServer } from './file-server.ts';
import { TicketOffice } from './file-ticket.ts';
import { followCertificates } from './follow-certificates.ts';
import { Greeter } from './greeter.ts';
import { askerOf } from './identify-peer.ts';
import { keepDialling } from './keep-dialling.ts';
import { LinkTable, type LinkState } from './link-table.ts';
import type { Link } from './link.ts';
import { Listener } from './listener.ts';
import {
  settleOptions,
  type MeshOptions,
  type MeshPeer,
  type MeshSettings,
  type RequestHandler,
} from './mesh-options.ts';
import { readSecret } from './shared-secret.ts';
import { TaskSet } from './task-set.ts';
import { readTlsMaterial, type TlsMaterial } from './tls-material.ts';

/** The agents of one etcd cluster, as this agent reaches them. It moves requests and files and reads none of them. */
export interface Mesh {
  /** The port that is listened on. */
  readonly port: number;

  /**
   * Asks a peer. Nothing is queued and nothing is sent twice: when the link is not there, or ends under way, the caller is told
   * at once and decides.
   *
   * @param options - `timeoutMs`: default `requestTimeoutMs`; the peer stops its work after it too.
   * @throws {AgentError} `PEER_UNKNOWN`, `PEER_UNREACHABLE` (with `details.underWay` when the peer may have acted),
   *   `PEER_TIMEOUT`, `TOO_MANY_REQUESTS`, `FRAME_TOO_LARGE`, `CANCELLED`; what the peer threw, with its own code and
   *   `details.answeredBy`; `PEER_REFUSED` for a code that this release does not know.
   */
  request(
    peer: string,
    method: string,
    params: unknown,
    options: { readonly timeoutMs?: number; readonly signal: AbortSignal },
  ): Promise<unknown>;

  /** One entry for each peer of the configuration. */
  links(): LinkState[];

  /** Calls back when a peer's `state` changed. @returns What ends that. */
  onLinkChange(listener: () => void): () => void;

  /** See `downloadFile`; also `PEER_UNKNOWN`. */
  download(download: Download): Promise<void>;

  /** Ends every link and transfer, waits for the work that was done for peers, and frees the port. */
  close(): Promise<void>;
}

const TICKET_METHOD = 'mesh.ticket';

/**
 * Listens for peers, then dials each of them, for as long as the mesh is open.
 *
 * @throws {AgentError} `CONFIG_INVALID` or `FILE_UNREADABLE`; nothing is left open then.
 */
export async function openMesh(options: MeshOptions): Promise<Mesh> {
  const settings = settleOptions(options);
  // Only to say at once what is wrong with it; each greeting reads it anew.
  if (settings.tls === undefined && settings.secretFile !== undefined) await readSecret(settings.secretFile);
  const material =
    settings.tls === undefined ? undefined : await readTlsMaterial(settings.tls, settings.self);
  const mesh = new PeerMesh(settings, material);
  await mesh.start();
  return mesh;
}

class PeerMesh implements Mesh {
  readonly #settings: MeshSettings;
  readonly #material: TlsMaterial | undefined;
  readonly #table: LinkTable;
  readonly #greeter: Greeter;
  readonly #listener: Listener;
  readonly #tickets: TicketOffice;
  readonly #tasks: TaskSet;
  readonly #closing = new AbortController();
  readonly #targets = new Set<string>();
  #port = 0;

  constructor(settings: MeshSettings, material: TlsMaterial | undefined) {
    const { clock, log, peers } = settings;
    const names = peers.map(({ name }) => name);
    this.#settings = settings;
    this.#material = material;
    this.#table = new LinkTable(names, clock, log);
    this.#tickets = new TicketOffice(clock);
    this.#tasks = new TaskSet((error) => log?.error({ err: error }, 'a task of the mesh ended unexpectedly'));
    this.#greeter = new Greeter(settings, this.#table, (...request) => this.#answer(...request));
    const known = { peers: new Set(names), tickets: this.#tickets };
    const files = new FileServer({
      settings,
      signal: this.#closing.signal,
      identify: (request, fileId) => askerOf(request, fileId, known),
    });
    this.#listener = new Listener({
      settings,
      material,
      files,
      onSocket: (socket, allowed) => {
        this.#tasks.run(() => this.#accept(socket, allowed));
      },
    });
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    this.#port = await this.#listener.listen();
    for (const peer of this.#settings.peers) this.#tasks.run(() => this.#keepDialling(peer));
    this.#tasks.run(() => this.#followCertificates());
  }

  async request(
    peer: string,
    method: string,
    params: unknown,
    options: { readonly timeoutMs?: number; readonly signal: AbortSignal },
  ): Promise<unknown> {
    const { signal, timeoutMs = this.#settings.requestTimeoutMs } = options;
    return await this.#table.choose(peer).request({ method, params, timeoutMs, signal });
  }

  links(): LinkState[] {
    return this.#table.states();
  }

  onLinkChange(listener: () => void): () => void {
    return this.#table.onChange(listener);
  }

  async download(download: Download): Promise<void> {
    const { fileId, toPath } = download;
    const peer = this.#settings.peers.find(({ name }) => name === download.peer);
    if (peer === undefined) throw new AgentError('PEER_UNKNOWN', `${download.peer} is not among the peers`);
    if (!isFileId(fileId)) throw new AgentError('STORAGE_ABSENT', `${JSON.stringify(fileId)} is no file id`);
    if (this.#targets.has(toPath)) {
      throw new AgentError('TRANSFER_FAILED', `another download to ${toPath} is under way`);
    }
    this.#targets.add(toPath);
    try {
      await downloadFile(download, {
        peer,
        settings: this.#settings,
        ticket: (signal) => this.#ticket(peer.name, fileId, signal),
      });
    } finally {
      this.#targets.delete(toPath);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new AgentError('CANCELLED', 'the mesh is closing'));
    for (const link of this.#table.all()) link.close(`${this.#settings.self} is closing`);
    await Promise.all([this.#listener.close(), this.#tasks.settled()]);
  }

  async #keepDialling(peer: MeshPeer): Promise<void> {
    const { clock, reconnect } = this.#settings;
    const { signal } = this.#closing;
    await keepDialling({
      clock,
      reconnect,
      signal,
      connect: async () => {
        await this.#live(await this.#greeter.dialPeer(peer, signal));
      },
      onFailure: (error) => {
        this.#table.noteFailure(peer.name, error);
      },
    });
  }

  async #accept(socket: WebSocket, names: ReadonlySet<string>): Promise<void> {
    let link: Link;
    try {
      link = await this.#greeter.acceptPeer(socket, names, this.#closing.signal);
    } catch (error) {
      this.#settings.log?.warn({ err: error }, 'a connection to the mesh was refused');
      return;
    }
    await this.#live(link);
  }

  /** From the greeting to the end of the link. */
  async #live(link: Link): Promise<void> {
    this.#table.add(link);
    if (this.#closing.signal.aborted) link.close(`${this.#settings.self} is closing`);
    const { reason } = await link.ended;
    this.#table.remove(link, reason);
    await link.finished;
  }

  async #followCertificates(): Promise<void> {
    const { clock, log, self, tls } = this.#settings;
    if (tls === undefined || this.#material === undefined) return;
    await followCertificates(this.#material, {
      files: tls,
      self,
      clock,
      log,
      signal: this.#closing.signal,
      onChange: (material) => {
        this.#listener.setMaterial(material);
      },
    });
  }

  async #answer(...[peer, method, params, signal]: Parameters<RequestHandler>): Promise<unknown> {
    if (method === TICKET_METHOD) {
      const asked = ticketParams.safeParse(params);
      if (!asked.success) throw new AgentError('FRAME_INVALID', `${TICKET_METHOD} needs a fileId`);
      return { ticket: this.#tickets.issue(peer, asked.data.fileId) };
    }
    if (method.startsWith('mesh.')) throw new AgentError('METHOD_UNKNOWN', `${method} is not known here`);
    return await this.#settings.onRequest(peer, method, params, signal);
  }

  async #ticket(peer: string, fileId: string, signal: AbortSignal): Promise<string | undefined> {
    if (this.#settings.tls !== undefined) return undefined;
    const answer = ticketResult.safeParse(await this.request(peer, TICKET_METHOD, { fileId }, { signal }));
    if (answer.success) return answer.data.ticket;
    throw new AgentError('FRAME_INVALID', `${peer} answered ${TICKET_METHOD} with something else`);
  }
}
