import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Carries TCP from one agent to another, until it is told to go silent: then nothing arrives and nothing is closed. */
export class Relay implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isSilent = false;
  #bytesLeft = Infinity;

  constructor(targetPort: number) {
    this.#server = createServer((incoming) => {
      this.#join(incoming, connect(targetPort, '127.0.0.1'));
    });
  }

  listen(port: number): void {
    this.#server.listen(port, '127.0.0.1').unref();
  }

  /** As when a cable is pulled. @param afterBytes - What still goes through, in both directions together. */
  silence(afterBytes = 0): void {
    this.#bytesLeft = afterBytes;
    if (afterBytes === 0) this.#stopAll();
  }

  /** What was on its way arrives. */
  mend(): void {
    this.#isSilent = false;
    this.#bytesLeft = Infinity;
    for (const socket of this.#sockets) socket.resume();
  }

  #join(incoming: Socket, outgoing: Socket): void {
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes: Buffer) => {
        to.write(bytes);
        this.#bytesLeft -= bytes.length;
        if (this.#bytesLeft <= 0) this.#stopAll();
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#isSilent) from.pause();
    }
  }

  #stopAll(): void {
    this.#isSilent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server.close(), 'close');
  }
}
