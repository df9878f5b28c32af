import { constants } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { MESH_PATH } from './dial.ts';
import { refuse, type FileServer } from './file-server.ts';
import { callersOf } from './identify-peer.ts';
import type { MeshSettings } from './mesh-options.ts';
import { TaskSet } from './task-set.ts';
import type { TlsMaterial } from './tls-material.ts';

interface ListenerOptions {
  readonly settings: MeshSettings;
  readonly material: TlsMaterial | undefined;
  readonly files: FileServer;
  /** A socket that has not been greeted yet, and the names that its certificate allows it. */
  onSocket(socket: WebSocket, names: ReadonlySet<string>): void;
}

const KEEP_ALIVE_MS = 5000;
const LARGEST_HEADER_BYTES = 16_384;

/** The one port of this agent: WebSocket upgrades and file requests, for peers only. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #peers: ReadonlySet<string>;
  readonly #tasks: TaskSet;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { settings, material } = options;
    this.#peers = new Set(settings.peers.map(({ name }) => name));
    this.#tasks = new TaskSet((error) => settings.log?.error({ err: error }, 'a file request failed'));
    this.#server = createServer(settings, material);
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: settings.limits.maxFrameBytes,
    });
    this.#server.on('upgrade', (request, socket, head) => {
      this.#upgrade(request, socket, head);
    });
    this.#server.on('request', (request, response) => {
      this.#tasks.run(async () => {
        try {
          await options.files.handle(request, response);
        } catch (error) {
          if (response.headersSent) response.destroy();
          else refuse(response, 500, 'the file cannot be read here');
          throw error;
        }
      });
    });
    this.#server.on('clientError', (_error, socket) => {
      socket.destroy();
    });
    this.#server.on('tlsClientError', (error: Error) => {
      settings.log?.debug({ err: error }, 'a TLS handshake with the mesh listener failed');
    });
    this.#server.on('drop', () => {
      settings.log?.warn(
        { maxConnections: settings.limits.maxConnections },
        'a connection to the mesh was dropped',
      );
    });
  }

  /** @throws {AgentError} `CONFIG_INVALID` when the address cannot be taken. */
  async listen(): Promise<number> {
    const { host, port } = this.#options.settings.listen;
    try {
      this.#server.listen(port, host);
      await once(this.#server, 'listening');
    } catch (cause) {
      throw new AgentError(
        'CONFIG_INVALID',
        `mesh: ${host}:${port} cannot be listened on: ${messageOf(cause)}`,
        {
          cause,
        },
      );
    }
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections use it; those that are open keep what they began with. */
  setMaterial(material: TlsMaterial): void {
    if (this.#server instanceof HttpsServer) this.#server.setSecureContext(withoutResumption(material));
  }

  /** Cuts every connection that is not a greeted link, and waits until the port is free. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    this.#sockets.close();
    await this.#tasks.settled();
    await closed;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {
      socket.destroy();
    });
    const callers = callersOf(request, this.#peers);
    if (callers.why !== undefined) {
      refuseUpgrade(socket, 403, callers.why);
    } else if (request.headers.origin !== undefined) {
      // Agents send none; a web page in a browser on this host cannot leave it out.
      refuseUpgrade(socket, 403, 'this is no place for browsers');
    } else if (request.url !== MESH_PATH) {
      refuseUpgrade(socket, 404, 'there is nothing at this path');
    } else {
      this.#sockets.handleUpgrade(request, socket, head, (opened) => {
        this.#options.onSocket(opened, callers.names);
      });
    }
  }
}

function createServer({ limits }: MeshSettings, material: TlsMaterial | undefined): Server {
  const options = {
    headersTimeout: limits.helloTimeoutMs,
    requestTimeout: limits.helloTimeoutMs,
    // How often the two above are looked at.
    connectionsCheckingInterval: Math.min(1000, limits.helloTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: LARGEST_HEADER_BYTES,
  };
  const server =
    material === undefined
      ? createHttpServer(options)
      : createHttpsServer({
          ...options,
          ...withoutResumption(material),
          requestCert: true,
          rejectUnauthorized: true,
          handshakeTimeout: limits.helloTimeoutMs,
        });
  server.maxConnections = limits.maxConnections;
  return server;
}

/** A resumed session would skip the look at the client's certificate, also after the CA was replaced. */
function withoutResumption(material: TlsMaterial): TlsMaterial & { secureOptions: number } {
  return { ...material, secureOptions: constants.SSL_OP_NO_TICKET };
}

function refuseUpgrade(socket: Duplex, status: 403 | 404, why: string): void {
  const body = `${why}\n`;
  socket.once('finish', () => {
    socket.destroy();
  });
  socket.end(
    [
      `HTTP/1.1 ${status} ${status === 403 ? 'Forbidden' : 'Not Found'}`,
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
}
