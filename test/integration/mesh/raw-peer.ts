import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket, type RawData } from 'ws';

/** A WebSocket client that speaks the greeting by hand and may then say whatever it likes. */
export interface RawPeer extends AsyncDisposable {
  readonly socket: WebSocket;
  /** The next message, parsed. */
  next(): Promise<Record<string, unknown>>;
  send(frame: unknown): void;
  /** The code and reason with which the other side closed. */
  readonly closed: Promise<{ code: number; reason: string }>;
}

export async function connectRaw(
  url: string,
  options: { headers?: Record<string, string> } = {},
): Promise<RawPeer> {
  const socket = new WebSocket(`${url}/v1/mesh`, options);
  const messages: Record<string, unknown>[] = [];
  let wake: () => void = () => undefined;
  socket.on('message', (data: RawData) => {
    messages.push(JSON.parse((data as Buffer).toString()) as Record<string, unknown>);
    wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => {
      resolve({ code, reason: reason.toString() });
    });
  });
  await once(socket, 'open');
  socket.on('error', () => undefined);
  return {
    socket,
    closed,
    send: (frame) => {
      socket.send(JSON.stringify(frame));
    },
    next: async () => {
      while (messages.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return messages.shift() ?? {};
    },
    [Symbol.asyncDispose]: async () => {
      socket.terminate();
      await closed;
    },
  };
}

export const RAW_NONCE = 'ab'.repeat(32);

export function rawHello(agent: string, more: object = {}): object {
  const protocol = { oldest: 1, newest: 1 };
  return { kind: 'hello', protocol, agent, journalId: 'raw', release: '9', nonce: RAW_NONCE, ...more };
}

/** The proof of src/mesh/shared-secret.ts, written a second time. */
export function rawProof(secret: string, transcript: readonly string[]): string {
  return createHmac('sha256', secret)
    .update(JSON.stringify(['lifeboat-mesh-1', ...transcript]))
    .digest('hex');
}

/** Connects as `agent` and goes through the whole greeting with agent `other`. */
export async function joinRaw(
  url: string,
  names: { agent: string; other: string },
  secret: string,
): Promise<RawPeer> {
  const peer = await connectRaw(url);
  peer.send(rawHello(names.agent));
  const hello = await peer.next();
  const proof = rawProof(secret, ['dialler', names.agent, names.other, RAW_NONCE, String(hello['nonce'])]);
  peer.send({ kind: 'proof', proof });
  const { kind } = await peer.next();
  if (kind !== 'welcome') throw new Error(`got ${String(kind)} in place of a welcome`);
  return peer;
}
