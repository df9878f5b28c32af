import { isIP } from 'node:net';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:7400` or `[::1]:7400` in its two parts; `undefined` when it is neither. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (parts === null) return undefined;
  const [, v6, v4] = parts;
  const port = Number(parts[3]);
  const host = v6 ?? v4 ?? '';
  if (isIP(host) !== (v6 === undefined ? 4 : 6)) return undefined;
  return port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** Whether only this host can reach it: 127.0.0.0/8, `::1`, or the name `localhost`. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (bare === 'localhost') return true;
  if (isIP(bare) === 4) return bare.startsWith('127.');
  return isIP(bare) === 6 && new URL(`http://[${bare}]`).hostname === '[::1]';
}
