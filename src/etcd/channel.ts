import { ChannelCredentials, Client, type ChannelOptions } from '@grpc/grpc-js';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { AgentError, messageOf } from '../base/agent-error.ts';
import type { EtcdConnectionOptions, EtcdTlsFiles } from './connection-options.ts';
import { parseEndpoint } from './endpoint.ts';
import { expectServer } from './server-identity.ts';

/** `calls` shares a connection among small calls; `stream` has one to itself, with a window that a fast disk can fill. */
export type ChannelPurpose = 'calls' | 'stream';

const COMMON: ChannelOptions = {
  // etcd is a neighbour; a proxy from the environment is for the internet.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  // gRPC's default would leave a member that is back unnoticed for up to two minutes.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  // Finds a host that vanished without closing. etcd refuses pings more often than each 5 s (--grpc-keepalive-min-time).
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
};

const BY_PURPOSE: Record<ChannelPurpose, ChannelOptions> = {
  calls: { 'grpc.max_receive_message_length': 64 << 20 },
  stream: {
    'grpc.use_local_subchannel_pool': 1,
    'grpc-node.flow_control_window': 1 << 20,
    'grpc.max_receive_message_length': 4 << 20,
  },
};

/**
 * A gRPC channel to the member, not yet connected; `close` it. Certificates are read now.
 *
 * @throws {AgentError} `FILE_UNREADABLE`; `ETCD_AUTH_FAILED` when a certificate or key cannot be used;
 *   `CONFIG_INVALID` for the endpoint.
 */
export async function openChannel(options: EtcdConnectionOptions, purpose: ChannelPurpose): Promise<Client> {
  const { target, secure, host } = parseEndpoint(options.endpoint);
  const common = { ...COMMON, ...BY_PURPOSE[purpose] };
  if (!secure) return new Client(target, ChannelCredentials.createInsecure(), common);
  const expectedName = options.tls?.serverName ?? host;
  return new Client(target, await tlsCredentials(options.tls, expectedName), {
    ...common,
    // An IP address may not be sent as the TLS server name (node's DEP0123), and grpc-js sends whatever is dialled. Which
    // name etcd hears does not matter: it has one certificate, and `tlsCredentials` compares that with `expectedName`.
    'grpc.ssl_target_name_override': isIP(expectedName) === 0 ? expectedName : 'localhost',
  });
}

async function tlsCredentials(
  tls: EtcdTlsFiles | undefined,
  expectedName: string,
): Promise<ChannelCredentials> {
  const [ca, key, cert] = await Promise.all([
    readIfNamed(tls?.caFile),
    readIfNamed(tls?.keyFile),
    readIfNamed(tls?.certFile),
  ]);
  try {
    return ChannelCredentials.createSsl(ca, key, cert, { checkServerIdentity: expectServer(expectedName) });
  } catch (cause) {
    const files = [tls?.caFile, tls?.certFile, tls?.keyFile].filter((file) => file !== undefined).join(', ');
    throw new AgentError('ETCD_AUTH_FAILED', `TLS cannot use ${files}: ${messageOf(cause)}`, { cause });
  }
}

async function readIfNamed(file: string | undefined): Promise<Buffer | null> {
  if (file === undefined) return null;
  try {
    return await readFile(file);
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', messageOf(cause), { cause, details: { path: file } });
  }
}
