import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { HttpExchange } from '../../../src/mesh/http-exchange.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';

test('head and body come apart, however they were cut on the way', async () => {
  const whole = `${HEAD}0123456789`;
  for (const cut of [1, 17, HEAD.length - 1, HEAD.length, HEAD.length + 3, whole.length]) {
    await using server = await answering([whole.slice(0, cut), whole.slice(cut)]);
    const head = await server.exchange.readHead();
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe('10');
    expect(await bodyOf(server.exchange, 10)).toBe('0123456789');
  }
});

test('bytes are taken in order, one after the other, by a taker that is slower than the network', async () => {
  const parts = Array.from({ length: 50 }, (_, at) => `${at};`.repeat(2000));
  const text = parts.join('');
  await using server = await answering([
    `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n`,
    ...parts,
  ]);
  await server.exchange.readHead();
  let taken = '';
  let taking = false;
  await server.exchange.readBody(text.length, async (bytes) => {
    expect(taking).toBe(false);
    taking = true;
    taken += bytes.toString();
    await nextTurn();
    taking = false;
  });
  expect(taken === text).toBe(true);
});

test('a body that is longer than announced is not taken', async () => {
  await using server = await answering([`${HEAD}0123456789ab`]);
  await server.exchange.readHead();
  await expect(bodyOf(server.exchange, 10)).rejects.toMatchObject({ code: 'STORAGE_CORRUPTED' });
});

test('a body that ends early is an error, also when the taker is still busy', async () => {
  await using server = await answering([`${HEAD}01234`]);
  await server.exchange.readHead();
  server.end();
  await expect(
    server.exchange.readBody(10, async () => {
      await nextTurn();
    }),
  ).rejects.toThrow('the connection ended');
});

test('what the taker throws is what the reader gets, and the connection is cut', async () => {
  await using server = await answering([`${HEAD}01234`]);
  await server.exchange.readHead();
  const failing = server.exchange.readBody(10, () => Promise.reject(new AgentError('NO_SPACE', 'full')));
  await expect(failing).rejects.toMatchObject({ code: 'NO_SPACE' });
  if (!server.socket().closed) await once(server.socket(), 'close');
  expect(server.socket().destroyed).toBe(true);
});

test.each([
  ['of another protocol', 'SSH-2.0-OpenSSH\r\n\r\n', 'not HTTP/1.1'],
  ['of an older HTTP', 'HTTP/1.0 200 OK\r\n\r\n', 'not HTTP/1.1'],
  ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'no announced length'],
  ['with a header without a colon', 'HTTP/1.1 200 OK\r\nno colon\r\n\r\n', 'cannot be read'],
  ['with a folded header', 'HTTP/1.1 200 OK\r\n folded: x\r\n\r\n', 'cannot be read'],
  ['with a head that does not end', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(20_000)}`, 'too long'],
])('an answer %s is refused', async (_what, text, reason) => {
  await using server = await answering([text]);
  await expect(server.exchange.readHead()).rejects.toThrow(reason);
});

test('a server that hangs up before it answers, and one that says nothing', async () => {
  await using gone = await answering([]);
  gone.end();
  await expect(gone.exchange.readHead()).rejects.toThrow('the connection ended');

  await using silent = await answering(['HTTP/1.1 200']);
  silent.exchange.failOnStall(50, new AgentError('TRANSFER_FAILED', 'stalled'));
  await expect(silent.exchange.readHead()).rejects.toThrow('stalled');
});

interface Answering extends AsyncDisposable {
  readonly exchange: HttpExchange;
  /** The server's side of the connection. */
  socket(): Socket;
  end(): void;
}

/** A TCP server that says `parts`, whatever it is asked, and an exchange with it. */
async function answering(parts: readonly string[]): Promise<Answering> {
  let socket: Socket | undefined;
  let ending = false;
  const server = createServer((client) => {
    socket = client;
    client.setNoDelay(true);
    client.on('error', () => undefined);
    client.resume();
    for (const part of parts) if (part !== '') client.write(part);
    if (ending) client.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const exchange = new HttpExchange(new URL(`ws://127.0.0.1:${port}`), 'GET / HTTP/1.1\r\n\r\n', undefined);
  return {
    exchange,
    socket: () => socket ?? exchangeHasNoSocket(),
    end: () => {
      ending = true;
      socket?.end();
    },
    [Symbol.asyncDispose]: async () => {
      exchange.close();
      server.close();
      await once(server, 'close');
    },
  };
}

async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

function exchangeHasNoSocket(): never {
  throw new Error('nobody connected yet');
}

async function bodyOf(exchange: HttpExchange, lengthBytes: number): Promise<string> {
  let text = '';
  await exchange.readBody(lengthBytes, (bytes) => {
    text += bytes.toString();
    return undefined;
  });
  return text;
}
