import { once } from 'node:events';
import { createServer } from 'node:http';
import { systemClock, type Clock } from '../base/clock.ts';
import { AgentError } from '../base/agent-error.ts';
import type { Log } from '../observe/log.ts';
import type { ControlHandlers } from './control-handlers.ts';
import { answerControlRequest } from './control-request.ts';
import { listenOnSocketFile } from './control-socket-file.ts';

export interface ControlServerOptions {
  /** Absolute, at most 107 bytes (unix(7)). */
  readonly socketPath: string;
  /** The group that may use it; without it, the agent's own. */
  readonly group?: string;
  readonly handlers: ControlHandlers;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface ControlServer {
  /** Stops listening, aborts what is open, and ends within a second. The socket file is gone then. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 8 * 1024;
/** How long handlers may take to answer that they were aborted. */
const CLOSE_GRACE_MS = 500;

/**
 * Opens the Unix socket that the `lifeboat` command talks to: `POST /v1/<method>`, see formats/control.ts. Whoever
 * may open the file may do everything, so there is no other authentication.
 *
 * @throws {AgentError} `AGENT_ALREADY_RUNNING`, `CONFIG_INVALID`: see `listenOnSocketFile`.
 */
export async function openControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { handlers, log, clock = systemClock } = options;
  const stop = new AbortController();
  const open = new Set<Promise<void>>();
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('request', (request, response) => {
    const answering = answerControlRequest(request, response, {
      handlers,
      log,
      clock,
      stopping: stop.signal,
    }).finally(() => {
      open.delete(answering);
    });
    open.add(answering);
  });
  await listenOnSocketFile(server, options);
  return {
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      stop.abort(new AgentError('CANCELLED', 'the agent stops'));
      const grace = new AbortController();
      await Promise.race([
        Promise.all(open),
        clock.sleep(CLOSE_GRACE_MS, grace.signal).catch(() => undefined),
      ]);
      grace.abort();
      server.closeAllConnections();
      await closed;
    },
  };
}
