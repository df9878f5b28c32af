import { isIP } from 'node:net';
import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../observe/log.ts';

export interface MeshPeer {
  /** The peer's own agent name; with TLS, a DNS name in its certificate. */
  readonly name: string;
  /** `wss://host:port` with TLS, `ws://` and a loopback address without. */
  readonly url: string;
}

export interface MeshTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Bounds on everything that a peer controls. */
export interface MeshLimits {
  readonly maxFrameBytes: number;
  /** Per peer and direction. */
  readonly maxRequestsInFlight: number;
  /** What may wait in memory for one link to take it; more requests are refused. */
  readonly maxBufferedBytes: number;
  readonly maxConnections: number;
  /** Files served at a time; the next one is told to come back. */
  readonly maxTransfers: number;
  /** From the TCP connection to the end of the greeting. */
  readonly helloTimeoutMs: number;
  /** A transfer that moves no byte for this time is cut, by either side. */
  readonly stallMs: number;
  /** How long a download waits for its turn at a peer that serves `maxTransfers` already. */
  readonly busyWaitMs: number;
}

export interface LocatedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Answers one request. An `AgentError` thrown here reaches the asking peer with its code, message and details. */
export type RequestHandler = (
  peer: string,
  method: string,
  params: unknown,
  signal: AbortSignal,
) => Promise<unknown>;

export interface MeshOptions {
  /** This agent's own name. */
  readonly self: string;
  readonly release: string;
  readonly journalId: string;
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly peers: readonly MeshPeer[];
  readonly tls?: MeshTls;
  /** Without TLS: a file of at least 16 bytes that all agents share and nobody else may read. Not used with TLS. */
  readonly secretFile?: string;
  readonly limits?: Partial<MeshLimits>;
  /** Two silent heartbeats make a link dead. */
  readonly heartbeatMs?: number;
  readonly requestTimeoutMs?: number;
  readonly reconnect?: { readonly firstMs: number; readonly longestMs: number };
  readonly clock: Clock;
  readonly log?: Log;
  readonly onRequest: RequestHandler;
  /**
   * What peers may download; `damaged` for a file that is here and must not be used. The id has been checked: letters, digits, `.`, `_`,
   * `-`, and no dot in front.
   */
  locateFile(fileId: string): Promise<LocatedFile | 'damaged' | undefined>;
}

/** `MeshOptions` with every default filled in. */
export type MeshSettings = MeshOptions &
  Required<Pick<MeshOptions, 'heartbeatMs' | 'requestTimeoutMs' | 'reconnect'>> & {
    readonly limits: MeshLimits;
  };

const DEFAULT_LIMITS: MeshLimits = {
  maxFrameBytes: 1024 * 1024,
  maxRequestsInFlight: 32,
  maxBufferedBytes: 8 * 1024 * 1024,
  maxConnections: 64,
  maxTransfers: 4,
  helloTimeoutMs: 5000,
  stallMs: 30_000,
  busyWaitMs: 900_000,
};

/**
 * Fills in the defaults and refuses what would be unsafe: an address beyond loopback without TLS, no shared secret
 * without TLS, a peer that is this agent.
 *
 * @throws {AgentError} `CONFIG_INVALID`.
 */
export function settleOptions(options: MeshOptions): MeshSettings {
  checkPeers(options);
  if (options.tls === undefined) checkPlain(options);
  return {
    ...options,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    heartbeatMs: options.heartbeatMs ?? 5000,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    reconnect: options.reconnect ?? { firstMs: 250, longestMs: 10_000 },
  };
}

/** 127.0.0.0/8 and `::1`: an address, not a name, because a name may come to mean something else. */
function isLoopbackAddress(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) === 4) return bare.startsWith('127.');
  return isIP(bare) === 6 && new URL(`http://[${bare}]`).hostname === '[::1]';
}

function checkPeers({ self, peers, tls }: MeshOptions): void {
  const seen = new Set<string>();
  for (const { name, url } of peers) {
    if (name === self) throw invalid(`peer ${name} is this agent itself`);
    if (seen.has(name)) throw invalid(`peer ${name} is named twice`);
    // Certificates are often valid for it as well, whoever holds them.
    if (name === 'localhost') throw invalid('a peer cannot be named localhost: it would be anybody');
    if (!URL.canParse(url)) throw invalid(`the URL of peer ${name} cannot be read: ${url}`);
    const { protocol } = new URL(url);
    const wanted = tls === undefined ? 'ws:' : 'wss:';
    if (protocol !== wanted)
      throw invalid(`the URL of peer ${name} must begin with ${wanted}//, and is ${url}`);
    seen.add(name);
  }
}

function checkPlain({ listen, peers, secretFile }: MeshOptions): void {
  if (!isLoopbackAddress(listen.host)) {
    throw invalid(`without TLS the mesh listens on 127.0.0.0/8 or ::1 only, and not on ${listen.host}`);
  }
  for (const { name, url } of peers) {
    if (isLoopbackAddress(new URL(url).hostname)) continue;
    throw invalid(`without TLS peer ${name} must be on 127.0.0.0/8 or [::1], and is at ${url}`);
  }
  if (peers.length > 0 && secretFile === undefined) {
    throw invalid('without TLS the agents need a shared secret file');
  }
}

function invalid(message: string): AgentError {
  return new AgentError('CONFIG_INVALID', `mesh: ${message}`);
}
