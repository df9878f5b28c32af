import { open, type FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AgentError } from '../base/agent-error.ts';
import { etagOf, fileIdOf, judgeRange } from './file-request.ts';
import type { LocatedFile, MeshSettings } from './mesh-options.ts';
import { sendFile } from './send-file.ts';
import { Slots } from './slots.ts';

/** Who asks: a peer's name, or the status that refuses. */
export type Asker =
  { readonly peer: string; readonly status?: never } | { readonly status: 401 | 403; readonly why: string };

interface FileServerOptions {
  readonly settings: Pick<MeshSettings, 'limits' | 'locateFile' | 'log' | 'clock'>;
  /** Aborted when the mesh closes. */
  readonly signal: AbortSignal;
  identify(request: IncomingMessage, fileId: string): Asker;
}

const RETRY_AFTER_SECONDS = 1;

/** Serves `GET /v1/files/<id>` to peers: whole, or from a byte on, a bounded number at a time. */
export class FileServer {
  readonly #options: FileServerOptions;
  readonly #slots: Slots;

  constructor(options: FileServerOptions) {
    this.#options = options;
    this.#slots = new Slots(options.settings.limits.maxTransfers);
  }

  /** Answers one request, whatever it is. Throws only what is a defect or the disk's failure. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fileId = fileIdOf(request.url ?? '');
    // Strangers do not even learn which paths there are.
    const asker = this.#options.identify(request, fileId ?? '');
    if (asker.status !== undefined) refuse(response, asker.status, asker.why);
    else if (request.method !== 'GET') refuse(response, 405, 'only GET is served here');
    else if (fileId === undefined) refuse(response, 404, 'there is nothing at this path');
    else await this.#serve(fileId, request, response);
  }

  async #serve(fileId: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const release = this.#slots.take();
    if (release === undefined) {
      response.setHeader('Retry-After', RETRY_AFTER_SECONDS);
      refuse(response, 503, `${this.#slots.limit} transfers are under way`);
      return;
    }
    try {
      const located = await this.#options.settings.locateFile(fileId);
      if (located === undefined) refuse(response, 404, `there is no file ${fileId}`);
      else if (located === 'damaged') refuse(response, 410, `the file ${fileId} is damaged here`);
      else await this.#send(located, request, response);
    } finally {
      release();
    }
  }

  async #send(located: LocatedFile, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = judgeRange(request.headers, located);
    response.setHeader('ETag', etagOf(located.sha256));
    response.setHeader('Accept-Ranges', 'bytes');
    if (answer.status === 412) {
      refuse(response, 412, `the file here has the SHA-256 ${located.sha256}`);
      return;
    }
    if (answer.status === 416) {
      response.setHeader('Content-Range', `bytes */${located.sizeBytes}`);
      refuse(response, 416, `the file here has ${located.sizeBytes} bytes`);
      return;
    }
    await using file = await openSized(located);
    const { firstByte, status } = answer;
    if (status === 206) {
      const last = located.sizeBytes - 1;
      response.setHeader('Content-Range', `bytes ${firstByte}-${last}/${located.sizeBytes}`);
    }
    response.writeHead(status, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': located.sizeBytes - firstByte,
      Connection: 'close',
    });
    const { signal, settings } = this.#options;
    const range = { firstByte, sizeBytes: located.sizeBytes };
    await sendFile(file, range, response, { signal, stallMs: settings.limits.stallMs });
  }
}

/** Answers with a status and a sentence, and closes the connection. */
export function refuse(response: ServerResponse, status: number, why: string): void {
  const body = `${why}\n`;
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  });
  response.end(body);
}

async function openSized({ path, sizeBytes }: LocatedFile): Promise<FileHandle> {
  const file = await open(path, 'r');
  const found = await file.stat();
  if (found.isFile() && found.size === sizeBytes) return file;
  await file.close();
  throw new AgentError('STORAGE_CORRUPTED', `${path} has ${found.size} bytes, and ${sizeBytes} are recorded`);
}
