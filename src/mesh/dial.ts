import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { WebSocket, type ClientOptions } from 'ws';
import { AgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';
import { FrameSocket } from './frame-socket.ts';
import type { MeshPeer, MeshSettings } from './mesh-options.ts';
import { expectPeer } from './peer-certificate.ts';
import { readTlsMaterial } from './tls-material.ts';

export const MESH_PATH = '/v1/mesh';

const LONGEST_BODY_CHARS = 512;

/**
 * Opens a WebSocket to a peer; the greeting comes after. Certificates are read anew for each dial.
 *
 * @throws {AgentError} `PEER_UNREACHABLE`, or `PEER_REFUSED` when either side does not accept the other's certificate;
 *   `FILE_UNREADABLE` and `CONFIG_INVALID` for our own; the signal's reason.
 */
export async function dial(
  peer: MeshPeer,
  settings: MeshSettings,
  signal: AbortSignal,
): Promise<FrameSocket> {
  const options = await dialOptions(peer, settings);
  signal.throwIfAborted();
  const socket = new WebSocket(new URL(MESH_PATH, peer.url), options);
  const frames = new FrameSocket(socket, settings.clock, settings.limits.maxFrameBytes);
  const cut = (): void => {
    socket.terminate();
  };
  signal.addEventListener('abort', cut, { once: true });
  try {
    await Promise.race([once(socket, 'open'), answeredOtherwise(peer, socket)]);
    return frames;
  } catch (error) {
    socket.terminate();
    signal.throwIfAborted();
    throw dialError(peer, error);
  } finally {
    signal.removeEventListener('abort', cut);
  }
}

/** `error` of a connection to `peer` as one of ours: refused certificates are told from hosts that are not there. */
export function dialError(peer: MeshPeer, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const code = systemCodeOf(error) ?? '';
  const refused = /^(ERR_SSL|ERR_TLS|EPROTO|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(code);
  const text = `${peer.name} at ${peer.url}: ${messageOf(error).split('\n', 1)[0] ?? ''}`;
  return new AgentError(refused ? 'PEER_REFUSED' : 'PEER_UNREACHABLE', text, {
    cause: error,
    details: { peer: peer.name },
  });
}

/** `as object`: ws describes checkServerIdentity with another signature than node:tls, which is the one that calls it. */
async function dialOptions(peer: MeshPeer, { limits, self, tls }: MeshSettings): Promise<ClientOptions> {
  return {
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: limits.maxFrameBytes,
    handshakeTimeout: limits.helloTimeoutMs,
    ...(tls === undefined
      ? {}
      : { ...(await readTlsMaterial(tls, self)), ...(expectPeer(peer.name) as object) }),
  };
}

async function answeredOtherwise(peer: MeshPeer, socket: WebSocket): Promise<never> {
  const [request, response] = (await once(socket, 'unexpected-response')) as [ClientRequest, IncomingMessage];
  const status = response.statusCode ?? 0;
  const body = await beginningOf(response);
  request.destroy();
  const code = status === 401 || status === 403 ? 'PEER_REFUSED' : 'PEER_UNREACHABLE';
  throw new AgentError(code, `${peer.name} at ${peer.url} answered ${status}: ${body}`, {
    details: { peer: peer.name, status },
  });
}

async function beginningOf(response: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of response.setEncoding('latin1') as AsyncIterable<string>) {
      text += chunk;
      if (text.length >= LONGEST_BODY_CHARS) break;
    }
  } catch {
    // Cut off in the middle: what arrived is all there is to say.
  }
  return printable(text.slice(0, LONGEST_BODY_CHARS));
}

/** Words of another host for a message of ours: one line of printable ASCII. */
export function printable(text: string): string {
  return text.replace(/[^ -~]+/g, ' ').trim();
}
