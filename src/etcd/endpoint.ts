import { isIP } from 'node:net';
import { AgentError } from '../base/agent-error.ts';

/** A client URL of etcd, in the words of gRPC. */
interface Endpoint {
  /** gRPC's name for the address: `dns:localhost:2379`, `ipv4:127.0.0.1:2379`, `unix:/run/etcd.sock`. */
  readonly target: string;
  readonly secure: boolean;
  /** Host name or IP address, without brackets. */
  readonly host: string;
}

const WEB_URL = /^(https?):\/\/(\[[0-9a-f:.]+\]|[^/:[\]]+):([0-9]{1,5})\/?$/i;
const UNIX_URL = /^unix(s?):(?:\/\/)?(\/.+)$/;

/**
 * @throws {AgentError} `CONFIG_INVALID` when it is not `http://host:port`, `https://host:port`, `unix:///path` or, for
 *   TLS on a socket, `unixs:///path`.
 */
export function parseEndpoint(endpoint: string): Endpoint {
  const [, tls, socket] = UNIX_URL.exec(endpoint) ?? [];
  if (socket !== undefined) return { target: `unix:${socket}`, secure: tls === 's', host: 'localhost' };
  const [, scheme, bracketed, port] = WEB_URL.exec(endpoint) ?? [];
  if (scheme === undefined || bracketed === undefined || port === undefined || Number(port) > 65_535) {
    throw new AgentError(
      'CONFIG_INVALID',
      `the etcd endpoint is ${endpoint}, not http://host:port, https://host:port, unix:///path or unixs:///path`,
    );
  }
  const host = bracketed.replace(/^\[|\]$/g, '');
  const resolver = { 0: 'dns', 4: 'ipv4', 6: 'ipv6' }[isIP(host)] ?? 'dns';
  return { target: `${resolver}:${bracketed}:${port}`, secure: scheme.toLowerCase() === 'https', host };
}
