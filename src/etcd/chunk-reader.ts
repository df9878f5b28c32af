import { status, type Client, type ClientReadableStream, type StatusObject } from '@grpc/grpc-js';
import { explainAbort } from './grpc-failure.ts';
import { explainCallError, metadataWith } from './grpc-call.ts';
import { MaintenanceService } from './generated/etcdserverpb/maintenance.ts';
import { decodeSnapshotChunk, type SnapshotChunk } from './snapshot-chunk.ts';

const METHOD = MaintenanceService.snapshot;

/**
 * One `Maintenance.Snapshot` call on a channel of its own. Nothing more is asked of etcd than `read` takes, but for
 * about 1.5 MiB on the way. `close` frees everything at once, also while nobody reads.
 */
export class ChunkReader {
  readonly #channel: Client;
  readonly #stream: ClientReadableStream<SnapshotChunk>;
  readonly #endpoint: string;
  readonly #signal: AbortSignal;
  #end: { readonly failure: Error | undefined } | undefined;
  #wake: () => void = () => undefined;

  constructor(channel: Client, call: { endpoint: string; token: string | undefined; signal: AbortSignal }) {
    this.#channel = channel;
    this.#endpoint = call.endpoint;
    this.#signal = call.signal;
    this.#stream = channel.makeServerStreamRequest(
      METHOD.path,
      METHOD.requestSerialize,
      decodeSnapshotChunk,
      {},
      metadataWith(call.token),
    );
    this.#stream.on('readable', () => {
      this.#wake();
    });
    this.#stream.on('error', (error) => {
      this.#finish(error);
    });
    // `end` alone proves nothing: grpc-js pushes it before it tells of a failure.
    this.#stream.on('status', ({ code }: StatusObject) => {
      if (code === status.OK) this.#finish(undefined);
    });
    if (call.signal.aborted) this.close();
    else call.signal.addEventListener('abort', this.close, { once: true });
  }

  /** The next chunk, or `undefined` after the last. One at a time. @throws {AgentError} When the stream is cut or refused. */
  async read(): Promise<SnapshotChunk | undefined> {
    for (;;) {
      if (this.#signal.aborted) throw explainAbort(this.#endpoint, METHOD.path, this.#signal);
      const failure = this.#end?.failure;
      if (failure !== undefined) throw this.#explain(failure);
      const chunk = this.#stream.read() as SnapshotChunk | null;
      if (chunk !== null) return chunk;
      if (this.#end !== undefined && this.#stream.readableLength === 0) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  readonly close = (): void => {
    this.#signal.removeEventListener('abort', this.close);
    this.#stream.cancel();
    this.#channel.close();
    this.#wake();
  };

  #finish(failure: Error | undefined): void {
    this.#end ??= { failure };
    this.#wake();
  }

  #explain(failure: Error): Error {
    return explainCallError(failure, {
      endpoint: this.#endpoint,
      method: METHOD.path,
      signal: this.#signal,
    });
  }
}
