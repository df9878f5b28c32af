import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Everything that clients sent, as text. */
  readonly requests: string;
  /** Cuts all connections; new ones are served. */
  cut(): void;
  /** Neither side hears anything any more, and nobody is told. */
  freeze(): void;
}

export interface ProxyOptions {
  readonly targetPort: number;
  /** What becomes of a file's bytes on their way. */
  readonly change?: (bytes: Buffer) => Buffer;
  /** Cut file transfer number `transfer` (from 0) once this many bytes went over it. */
  readonly cutAfterBytes?: (transfer: number) => number | undefined;
  /** All file transfers together end after this many bytes, without being closed. */
  readonly silentAfterBytes?: number;
}

/** A TCP proxy on loopback that can do what networks do. */
export async function startProxy(options: ProxyOptions): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let requests = '';
  let frozen = false;
  let transfers = 0;
  let sentBytes = 0;
  const isSilent = (): boolean => sentBytes > (options.silentAfterBytes ?? Infinity);
  const server = createServer((client) => {
    let transfer: number | undefined;
    const upstream = connect(options.targetPort, '127.0.0.1');
    const stop = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', stop);
      socket.on('close', () => {
        sockets.delete(socket);
        if (!frozen && !isSilent()) stop();
      });
    }
    client.on('data', (bytes: Buffer) => {
      requests += bytes.toString('latin1');
      if (bytes.toString('latin1').startsWith('GET /v1/files/')) {
        transfer = transfers;
        transfers += 1;
      }
      if (!frozen) upstream.write(bytes);
    });
    let ownBytes = 0;
    upstream.on('data', (bytes: Buffer) => {
      if (frozen) return;
      if (transfer === undefined) {
        client.write(bytes);
        return;
      }
      ownBytes += bytes.length;
      sentBytes += bytes.length;
      if (!isSilent()) client.write(options.change?.(bytes) ?? bytes);
      if (ownBytes > (options.cutAfterBytes?.(transfer) ?? Infinity)) client.end(stop);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get requests() {
      return requests;
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    freeze: () => {
      frozen = true;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
