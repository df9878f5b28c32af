import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Asker } from './file-server.ts';
import type { TicketOffice } from './file-ticket.ts';
import { namesOf } from './peer-certificate.ts';

/** Which peers the other end of a connection may call itself, or why it is none. */
export type Callers =
  { readonly names: ReadonlySet<string>; readonly why?: never } | { readonly why: string };

/**
 * By TLS: the configured peers whose name is in the client's certificate. The CA has been checked by the handshake already.
 * Without TLS any peer: the greeting proves which one.
 */
export function callersOf(request: IncomingMessage, peers: ReadonlySet<string>): Callers {
  const { socket } = request;
  if (peers.size === 0) return { why: 'this agent has no peers' };
  if (!(socket instanceof TLSSocket)) return { names: peers };
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return { why: 'a client certificate of the agents’ CA is required' };
  const names = namesOf(certificate, peers);
  if (names.size > 0) return { names };
  return {
    why: `the certificate names no peer of this agent: ${certificate.subjectAltName ?? 'no alternative name'}`,
  };
}

/** Who asks for a file: by certificate with TLS, by ticket without. */
export function askerOf(
  request: IncomingMessage,
  fileId: string,
  known: { readonly peers: ReadonlySet<string>; readonly tickets: TicketOffice },
): Asker {
  if (request.socket instanceof TLSSocket) {
    const callers = callersOf(request, known.peers);
    if (callers.why !== undefined) return { status: 403, why: callers.why };
    const [peer = ''] = callers.names;
    return { peer };
  }
  const shown = /^Bearer ([0-9a-f]{64})$/.exec(request.headers.authorization ?? '')?.[1];
  if (shown === undefined) return { status: 401, why: 'a ticket is required: only peers are served' };
  const peer = known.tickets.redeem(shown, fileId);
  return peer === undefined ? { status: 403, why: 'the ticket is not valid for this' } : { peer };
}
