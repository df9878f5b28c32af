import { AgentError } from '../base/agent-error.ts';
import type { ConnectionOptions } from 'node:tls';
import { dialError, printable } from './dial.ts';
import { etagOf, filePath } from './file-request.ts';
import { HttpExchange, type AnswerHead, type TakeBytes } from './http-exchange.ts';
import type { MeshPeer, MeshSettings } from './mesh-options.ts';
import { expectPeer } from './peer-certificate.ts';
import { readTlsMaterial } from './tls-material.ts';

export interface RangeRequest {
  readonly fileId: string;
  readonly firstByte: number;
  readonly expected: { readonly sizeBytes: number; readonly sha256: string };
  /** Shown where TLS does not say who asks. */
  readonly ticket?: string;
  readonly stallMs: number;
}

/** An answer whose body begins at byte `firstByte` of the right file. */
export interface RangeBody {
  readonly firstByte: number;
  /** Reads to the end. Throws what `take` throws, or the connection's error. */
  read(take: TakeBytes): Promise<void>;
  /** Ends the transfer if it is still going on. */
  close(): void;
}

const LONGEST_TEXT = 512;

/**
 * Asks a peer for a file from a byte on.
 *
 * @throws {AgentError} `STORAGE_ABSENT` (it has no such file, or another of that name), `STORAGE_CORRUPTED` (its file is damaged, or it announces another
 *   length), `TOO_MANY_REQUESTS` (come back later), `PEER_REFUSED`, `PEER_UNREACHABLE`, `TRANSFER_FAILED`.
 */
export async function fetchRange(
  peer: MeshPeer,
  wanted: RangeRequest,
  settings: MeshSettings,
  signal: AbortSignal,
): Promise<RangeBody> {
  const security = await securityFor(peer, settings);
  signal.throwIfAborted();
  const url = new URL(peer.url);
  const exchange = new HttpExchange(url, requestText(url, wanted), security);
  const { stallMs } = wanted;
  exchange.failOnStall(
    stallMs,
    new AgentError('TRANSFER_FAILED', `${peer.name}: no byte moved for ${stallMs} ms`),
  );
  const stop = (): void => {
    exchange.close(new AgentError('CANCELLED', 'the transfer was cancelled', { cause: signal.reason }));
  };
  signal.addEventListener('abort', stop, { once: true });
  const close = (): void => {
    signal.removeEventListener('abort', stop);
    exchange.close();
  };
  try {
    const head = await exchange.readHead();
    const firstByte = await judgeHead(peer, wanted, head, exchange);
    const lengthBytes = wanted.expected.sizeBytes - firstByte;
    return { firstByte, read: (take) => exchange.readBody(lengthBytes, take), close };
  } catch (error) {
    close();
    throw dialError(peer, error);
  }
}

async function securityFor(
  peer: MeshPeer,
  { self, tls }: MeshSettings,
): Promise<ConnectionOptions | undefined> {
  if (tls === undefined) return undefined;
  return { ...(await readTlsMaterial(tls, self)), ...expectPeer(peer.name) };
}

function requestText(url: URL, { expected, fileId, firstByte, ticket }: RangeRequest): string {
  return [
    `GET ${filePath(fileId)} HTTP/1.1`,
    `Host: ${url.host}`,
    'Connection: close',
    `If-Match: ${etagOf(expected.sha256)}`,
    ...(firstByte === 0 ? [] : [`Range: bytes=${firstByte}-`]),
    ...(ticket === undefined ? [] : [`Authorization: Bearer ${ticket}`]),
    '\r\n',
  ].join('\r\n');
}

async function judgeHead(
  peer: MeshPeer,
  wanted: RangeRequest,
  { headers, status }: AnswerHead,
  exchange: HttpExchange,
): Promise<number> {
  const { expected, fileId } = wanted;
  if (status !== 200 && status !== 206) {
    const text = printable(await exchange.readText(LONGEST_TEXT));
    throw statusError(status, `${peer.name} answered ${status} for ${fileId}: ${text}`);
  }
  // A peer that ignores the range sends all of it.
  const firstByte = status === 206 ? wanted.firstByte : 0;
  const missing = expected.sizeBytes - firstByte;
  const announced = headers.get('content-length') ?? 'an unknown number of';
  if (announced !== String(missing)) {
    throw new AgentError(
      'STORAGE_CORRUPTED',
      `${peer.name} announces ${announced} bytes of ${fileId} from byte ${firstByte} on, and ${missing} are missing`,
    );
  }
  const range = `bytes ${firstByte}-${expected.sizeBytes - 1}/${expected.sizeBytes}`;
  const found = headers.get('content-range') ?? 'no range';
  if (status === 206 && found !== range) {
    throw new AgentError('TRANSFER_FAILED', `${peer.name} answered with ${found} for ${range}`);
  }
  return firstByte;
}

function statusError(status: number, message: string): AgentError {
  switch (status) {
    case 401:
    case 403:
      return new AgentError('PEER_REFUSED', message);
    case 404:
    case 412:
      return new AgentError('STORAGE_ABSENT', message);
    case 410:
      return new AgentError('STORAGE_CORRUPTED', message);
    case 503:
      return new AgentError('TOO_MANY_REQUESTS', message);
    default:
      return new AgentError('TRANSFER_FAILED', message);
  }
}
