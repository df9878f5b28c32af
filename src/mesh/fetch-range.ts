import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { AgentError } from '../base/agent-error.ts';
import { beginningOf, dialError } from './dial.ts';
import { etagOf, filePath } from './file-request.ts';
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
  readonly body: IncomingMessage;
  /** Ends the transfer if it is still going on. */
  close(): void;
}

/**
 * Asks a peer for a file from a byte on.
 *
 * @throws {AgentError} `STORAGE_ABSENT` (it has no such file, or another of that name), `STORAGE_CORRUPTED` (it announces another
 *   length), `TOO_MANY_REQUESTS` (come back later), `PEER_REFUSED`, `PEER_UNREACHABLE`, `TRANSFER_FAILED`.
 */
export async function fetchRange(
  peer: MeshPeer,
  wanted: RangeRequest,
  settings: MeshSettings,
  signal: AbortSignal,
): Promise<RangeBody> {
  const { tls, self } = settings;
  const security =
    tls === undefined
      ? {}
      : { ...(await readTlsMaterial(tls, self)), ...(expectPeer(peer.name) as Partial<RequestOptions>) };
  const send = tls === undefined ? httpRequest : httpsRequest;
  const url = new URL(filePath(wanted.fileId), peer.url.replace(/^ws/, 'http'));
  const request = send(url, {
    agent: false,
    signal,
    timeout: wanted.stallMs,
    headers: headersOf(wanted),
    ...security,
  });
  const stalled = new AgentError('TRANSFER_FAILED', `${peer.name}: no byte moved for ${wanted.stallMs} ms`);
  request.on('timeout', () => {
    request.destroy(stalled);
  });
  // It also speaks of failures after the head, which the reader of the body meets by itself.
  request.on('error', () => undefined);
  try {
    request.end();
    const [body] = (await once(request, 'response')) as [IncomingMessage];
    const firstByte = await judgeHead(peer, wanted, body);
    const close = (): void => {
      request.destroy();
    };
    return { firstByte, body, close };
  } catch (error) {
    request.destroy();
    throw dialError(peer, error);
  }
}

function headersOf({ expected, firstByte, ticket }: RangeRequest): Record<string, string> {
  return {
    'If-Match': etagOf(expected.sha256),
    ...(firstByte === 0 ? {} : { Range: `bytes=${firstByte}-` }),
    ...(ticket === undefined ? {} : { Authorization: `Bearer ${ticket}` }),
  };
}

async function judgeHead(peer: MeshPeer, wanted: RangeRequest, answer: IncomingMessage): Promise<number> {
  const { expected } = wanted;
  const status = answer.statusCode ?? 0;
  if (status !== 200 && status !== 206) {
    const text = await beginningOf(answer);
    throw statusError(status, `${peer.name} answered ${status} for ${wanted.fileId}: ${text}`);
  }
  // A peer that ignores the range sends all of it.
  const firstByte = status === 206 ? wanted.firstByte : 0;
  const announced = Number(answer.headers['content-length']);
  if (announced !== expected.sizeBytes - firstByte) {
    throw new AgentError(
      'STORAGE_CORRUPTED',
      `${peer.name} announces ${announced} bytes of ${wanted.fileId} from byte ${firstByte} on, and ${expected.sizeBytes - firstByte} are missing`,
    );
  }
  const range = `bytes ${firstByte}-${expected.sizeBytes - 1}/${expected.sizeBytes}`;
  if (status === 206 && answer.headers['content-range'] !== range) {
    const found = answer.headers['content-range'] ?? 'nothing';
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
    case 503:
      return new AgentError('TOO_MANY_REQUESTS', message);
    default:
      return new AgentError('TRANSFER_FAILED', message);
  }
}
