import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { AgentError, messageOf } from '../base/agent-error.ts';
import type { Log } from '../observe/log.ts';
import { answerMonitoring, type MonitoringView } from './monitoring-request.ts';

export interface MonitoringServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly view: MonitoringView;
  readonly log: Log;
}

export interface MonitoringServer {
  /** Cuts every connection, and resolves when the port is free. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8 * 1024;
const HEADERS_TIMEOUT_MS = 5000;
/** Also for a client that does not read its answer. */
const SOCKET_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 5000;

/**
 * Opens the listener for `/metrics`, `/healthz` and `/readyz`: plain HTTP, GET and HEAD, no bodies. Whoever reaches it may
 * read it, and nobody can change anything by it.
 *
 * @throws {AgentError} `MONITORING_UNAVAILABLE` when the address cannot be listened on; nothing is left open then.
 */
export async function openMonitoringServer(options: MonitoringServerOptions): Promise<MonitoringServer> {
  const { host, port } = options.listen;
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: HEADERS_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = SOCKET_TIMEOUT_MS;
  server.on('request', (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      options.log.error({ err: error }, 'an answer of the monitoring listener failed');
      response.destroy();
    });
  });
  // A probe that promises a body gets its refusal at once, and not "100 Continue".
  server.on('checkContinue', (request, response) => {
    server.emit('request', request, response);
  });
  server.on('clientError', (_error, socket) => {
    socket.destroy();
  });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    throw new AgentError(
      'MONITORING_UNAVAILABLE',
      `monitoring: ${host}:${port} cannot be listened on: ${messageOf(cause)}`,
      { cause },
    );
  }
  return {
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { view, log }: MonitoringServerOptions,
): Promise<void> {
  // A client that goes away is no failure of the agent.
  response.on('error', () => undefined);
  const { body, contentType, headers = {}, status } = await answerMonitoring(request, view, log);
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // What is left of a body that nobody wanted must not be read as the next request.
    ...(status === 413 || status === 405 ? { connection: 'close' } : {}),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}
