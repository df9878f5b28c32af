import { request as plainRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { EtcdConnectionOptions } from './connection-options.ts';
import { parseEndpoint } from './endpoint.ts';
import { expectServer } from './server-identity.ts';

/** A listing of the first level begins with its nodes; nobody needs the rest of a large one. */
const ENOUGH_BYTES = 4096;

/**
 * Whether the member holds keys of etcd's old v2 store, which no snapshot contains. Only etcd 3.4 and 3.5 have it, with
 * `--enable-v2`; anybody else answers 404. It is answered by the member alone, without a quorum. (etcd-io/etcd 3.4:
 * etcdserver/api/v2http/client.go)
 *
 * @throws when it cannot be asked: a connection's error, a certificate's, or that of the signal.
 */
export async function holdsV2Keys(options: EtcdConnectionOptions, signal: AbortSignal): Promise<boolean> {
  const { target, secure, host } = parseEndpoint(options.endpoint);
  const limited = AbortSignal.any([signal, AbortSignal.timeout(options.requestTimeoutMs)]);
  const request = { ...addressOf(target, host), path: '/v2/keys/', signal: limited, agent: false };
  const listing = await textOf(secure ? await overTls(request, options, host) : await plainly(request));
  return listing.includes('"nodes":[{');
}

function addressOf(target: string, host: string): RequestOptions {
  if (target.startsWith('unix:')) return { socketPath: target.slice('unix:'.length) };
  return { host, port: target.slice(target.lastIndexOf(':') + 1) };
}

async function plainly(request: RequestOptions): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    plainRequest(request, resolve).once('error', reject).end();
  });
}

async function overTls(
  request: RequestOptions,
  { tls }: EtcdConnectionOptions,
  host: string,
): Promise<IncomingMessage> {
  const expectedName = tls?.serverName ?? host;
  const [ca, cert, key] = await Promise.all([tls?.caFile, tls?.certFile, tls?.keyFile].map(readIfNamed));
  const options = {
    ...request,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    servername: isIP(expectedName) === 0 ? expectedName : '',
    checkServerIdentity: expectServer(expectedName),
  };
  return await new Promise((resolve, reject) => {
    tlsRequest(options, resolve).once('error', reject).end();
  });
}

async function readIfNamed(file: string | undefined): Promise<Buffer | undefined> {
  return file === undefined ? undefined : await readFile(file);
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of answer) {
      text += (chunk as Buffer).toString('latin1');
      if (text.length >= ENOUGH_BYTES) break;
    }
  } finally {
    answer.destroy();
  }
  return answer.statusCode === 200 ? text : '';
}
