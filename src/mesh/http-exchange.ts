import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { AgentError } from '../base/agent-error.ts';

export interface AnswerHead {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** Takes bytes before it returns, because their buffer is used again; what it returns is waited for before more is read. */
export type TakeBytes = (bytes: Buffer) => Promise<void> | undefined;

interface Consumer {
  readonly take: TakeBytes;
  readonly isDone: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const READ_BYTES = 1024 * 1024;
const LONGEST_HEAD_BYTES = 16_384;

/**
 * One HTTP/1.1 request and its answer, read from the socket into one buffer that is used again. Node's own client makes a
 * buffer for each read of 64 KiB, and for a large file that costs more than hashing it. Only what mesh/file-server.ts sends
 * is understood: a head, and a body of announced length.
 */
export class HttpExchange {
  readonly #socket: Socket;
  /** Copies of what came while nobody could take it. TLS hands on the rest of a packet also when told to stop. */
  readonly #waiting: Buffer[] = [];
  #consumer: Consumer | undefined;
  #busy = false;
  #failure: Error | undefined;

  /**
   * @param request - Head and all. Sent as soon as the connection is there.
   * @param tls - Present: speak TLS so.
   */
  constructor(target: URL, request: string, tls: ConnectionOptions | undefined) {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (count: number, buffer: Uint8Array): boolean =>
        this.#receive(Buffer.from(buffer.buffer, buffer.byteOffset, count)),
    };
    const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
    const where = { host, port: Number(target.port), onread };
    this.#socket = tls === undefined ? connectTcp(where) : connectTls({ ...tls, ...where });
    this.#socket.on('error', (error) => {
      this.#fail(error);
    });
    this.#socket.on('close', () => {
      if (this.#waiting.length === 0 && !this.#busy) this.#fail(new Error('the connection ended'));
      else this.#failure ??= new Error('the connection ended');
    });
    this.#socket.write(request);
  }

  /** Ends it with `error` when nothing moved for `stallMs`. */
  failOnStall(stallMs: number, error: AgentError): void {
    this.#socket.setTimeout(stallMs, () => {
      this.#socket.destroy(error);
    });
  }

  close(reason?: Error): void {
    this.#socket.destroy(reason);
  }

  /** The status line and the headers. Throws the connection's error, or one that says what was not understood. */
  async readHead(): Promise<AnswerHead> {
    let seen = Buffer.alloc(0);
    let end = -1;
    await this.#consume(
      (bytes) => {
        seen = Buffer.concat([seen, bytes]);
        end = seen.indexOf('\r\n\r\n');
        if (end < 0 && seen.length > LONGEST_HEAD_BYTES)
          throw new Error('the head of the answer is too long');
        return undefined;
      },
      () => end >= 0,
    );
    if (end + 4 < seen.length) this.#waiting.unshift(seen.subarray(end + 4));
    return parseHead(seen.toString('latin1', 0, end));
  }

  /**
   * Hands on exactly `lengthBytes` of the body.
   *
   * @throws {AgentError} `STORAGE_CORRUPTED` when more arrives; what `take` throws; the connection's error.
   */
  async readBody(lengthBytes: number, take: TakeBytes): Promise<void> {
    let received = 0;
    await this.#consume(
      (bytes) => {
        received += bytes.length;
        if (received <= lengthBytes) return take(bytes);
        throw new AgentError('STORAGE_CORRUPTED', `more than the announced ${lengthBytes} bytes arrived`);
      },
      () => received === lengthBytes,
    );
  }

  /** The beginning of the body, up to `mostBytes` or to its end, for an error message. */
  async readText(mostBytes: number): Promise<string> {
    let text = '';
    try {
      await this.#consume(
        (bytes) => {
          text += bytes.toString('latin1');
          return undefined;
        },
        () => text.length >= mostBytes,
      );
    } catch {
      // It ended: that is all there is to say.
    }
    return text.slice(0, mostBytes);
  }

  async #consume(take: TakeBytes, isDone: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#consumer = { take, isDone, resolve, reject };
      this.#drain();
    });
  }

  #receive(bytes: Buffer): boolean {
    if (this.#consumer === undefined || this.#busy) {
      this.#waiting.push(Buffer.from(bytes));
      return false;
    }
    this.#step(this.#consumer, bytes);
    return this.#wantsMore();
  }

  #wantsMore(): boolean {
    return this.#consumer !== undefined && !this.#busy;
  }

  #step(consumer: Consumer, bytes: Buffer): void {
    try {
      const taking = consumer.take(bytes);
      if (taking === undefined) {
        this.#finishIfDone(consumer);
        return;
      }
      this.#busy = true;
      taking.then(
        () => {
          this.#busy = false;
          this.#finishIfDone(consumer);
          this.#drain();
        },
        (error: unknown) => {
          this.#fail(error as Error);
        },
      );
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #drain(): void {
    while (this.#consumer !== undefined && !this.#busy) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) break;
      this.#step(this.#consumer, bytes);
    }
    if (this.#consumer === undefined || this.#busy) return;
    if (this.#failure === undefined) this.#socket.resume();
    else this.#fail(this.#failure);
  }

  #finishIfDone(consumer: Consumer): void {
    if (!consumer.isDone()) return;
    this.#consumer = undefined;
    consumer.resolve();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const consumer = this.#consumer;
    this.#consumer = undefined;
    this.#socket.destroy();
    consumer?.reject(this.#failure);
  }
}

function parseHead(text: string): AnswerHead {
  const [first = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) throw new Error('the answer is not HTTP/1.1');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (parts === null) throw new Error('a header of the answer cannot be read');
    headers.set((parts[1] ?? '').toLowerCase(), parts[2] ?? '');
  }
  if (headers.has('transfer-encoding')) throw new Error('the answer has no announced length');
  return { status: Number(status), headers };
}
