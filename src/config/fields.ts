import { z } from 'zod';
import { parseListenAddress, type ListenAddress } from './listen-address.ts';

// Shapes that several sections share. The messages complete "etcd.dataDir: …" and never repeat the value.

/** A path that means the same whatever directory the agent was started in. */
export function absolutePath(): z.ZodType<string, string> {
  return z
    .string()
    .regex(/^\//, 'must be an absolute path')
    .regex(/^(?!.*(^|\/)\.\.?(\/|$))/, 'must not hold `.` or `..` as a part')
    .transform(withoutTrailingSlash);
}

/** A program and its arguments; no shell reads it. */
export function command(): z.ZodType<string[], string[]> {
  return z
    .array(z.string().min(1, 'must not be empty'))
    .min(1, 'must name a program, then its arguments, each as one entry of the list')
    .refine((words) => words[0] === undefined || words[0].startsWith('/'), {
      error: 'must begin with the absolute path of a program',
      path: [0],
    });
}

/** A time limit in whole seconds, from 1 to a day. */
export function seconds(): z.ZodType<number, number> {
  return z
    .int('must be a whole number of seconds')
    .min(1, 'must be at least 1')
    .max(86_400, 'must be at most 86400');
}

/** `http://host:port` or `https://host:port`, as etcd itself demands of its URLs (client/pkg/types/urls.go): with port, without path. */
export function etcdUrl(): z.ZodType<string, string> {
  return z
    .string()
    .regex(
      /^https?:\/\/(\[[0-9a-fA-F:.]+\]|[^\s/:@[\]]+):\d{1,5}$/,
      'must be http://host:port or https://host:port',
    );
}

/** A client URL of etcd, also one on a Unix socket; `unixs` is etcd's word for TLS on one. */
export function etcdEndpoint(): z.ZodType<string, string> {
  return z
    .string()
    .regex(
      /^(https?:\/\/(\[[0-9a-fA-F:.]+\]|[^\s/:@[\]]+):\d{1,5}|unixs?:\/\/\/\S+)$/,
      'must be http://host:port, https://host:port, unix:///path or unixs:///path',
    );
}

/** An address and a port to listen on; never a name, which may come to mean something else. */
export function listenAddress(): z.ZodType<ListenAddress, string> {
  return z.string().transform((text, context): ListenAddress => {
    const address = parseListenAddress(text);
    if (address !== undefined) return address;
    context.addIssue({
      code: 'custom',
      message: 'must be an IP address and a port: 10.0.0.1:7400 or [::1]:7400',
    });
    return z.NEVER;
  });
}

/** An agent's name: it stands in the certificate's DNS names, in snapshot ids and in commands. */
export function agentName(): z.ZodType<string, string> {
  return z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
      'must be made of lower-case letters, digits, inner hyphens and dots, like a host name',
    )
    .max(63, 'must be at most 63 characters');
}

function withoutTrailingSlash(path: string): string {
  return path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
}
