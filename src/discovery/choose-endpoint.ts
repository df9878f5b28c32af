import { isIP } from 'node:net';
import { resolve } from 'node:path/posix';

/** A client URL of the member on this host, as the agent dials it. */
export interface ChosenEndpoint {
  readonly url: string;
  /** Name or address without brackets; of a Unix socket `localhost`, the name that its certificate is asked for. */
  readonly host: string;
  readonly secure: boolean;
}

interface Candidate extends ChosenEndpoint {
  /** The lower, the better. */
  readonly rank: number;
}

/**
 * The URL that stays on this host: loopback first; an address that stands for all (`0.0.0.0`) is dialled by loopback; then an
 * address of the network, then a Unix socket. `undefined` when none can be dialled.
 *
 * @param listenUrls - etcd's `--listen-client-urls`.
 */
export function chooseEndpoint(
  listenUrls: readonly string[],
  workingDirectory: string | undefined,
): ChosenEndpoint | undefined {
  const candidates = listenUrls.flatMap((url) => candidateOf(url, workingDirectory) ?? []);
  const [best] = candidates.sort((left, right) => left.rank - right.rank);
  return best === undefined ? undefined : { url: best.url, host: best.host, secure: best.secure };
}

function candidateOf(url: string, workingDirectory: string | undefined): Candidate | undefined {
  const socket = /^(unixs?):\/\/(.+)$/.exec(url);
  if (socket !== null) return socketCandidate(socket, workingDirectory);
  const match = /^(https?):\/\/(\[[0-9a-fA-F:.]+\]|[^\s/:@[\]]+):(\d{1,5})$/.exec(url);
  if (match === null) return undefined;
  const [, scheme = '', host = '', port = ''] = match;
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const loopback = LOOPBACK_OF[bare];
  const dialled = loopback ?? bare;
  const shown = isIP(dialled) === 6 ? `[${dialled}]` : dialled;
  return {
    url: `${scheme}://${shown}:${port}`,
    host: dialled,
    secure: scheme === 'https',
    rank: rankOf(bare),
  };
}

function rankOf(host: string): number {
  if (isLoopback(host)) return 0;
  return host in LOOPBACK_OF ? 1 : 2;
}

const LOOPBACK_OF: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** etcd listens on host and path together, relative to its working directory (etcd: client/pkg/types/urls.go). */
function socketCandidate(
  [, scheme = '', path = '']: RegExpExecArray,
  workingDirectory: string | undefined,
): Candidate | undefined {
  if (!path.startsWith('/') && workingDirectory === undefined) return undefined;
  const absolute = resolve(workingDirectory ?? '/', path);
  return { url: `${scheme}://${absolute}`, host: 'localhost', secure: scheme === 'unixs', rank: 3 };
}

/** Whether only this host can reach it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host.startsWith('127.') || host === '::1';
}
