import { z } from 'zod';
import { absolutePath, etcdEndpoint, etcdUrl, seconds } from './fields.ts';

const tls = z
  .strictObject({
    caFile: absolutePath().describe("The CA that signed the member's certificate, PEM."),
    certFile: absolutePath()
      .exactOptional()
      .describe(
        'The client certificate, PEM. For an etcd with `--client-cert-auth`; needs `keyFile`. Where etcd has authentication enabled, its common name is the user, who needs the root role.',
      ),
    keyFile: absolutePath().exactOptional().describe('The key of `certFile`, PEM.'),
    serverName: z
      .string()
      .min(1, 'must not be empty')
      .exactOptional()
      .describe("The name that the member's certificate must carry, where it is not the host of `endpoint`."),
  })
  .superRefine((section, context) => {
    if ((section.certFile === undefined) === (section.keyFile === undefined)) return;
    context.addIssue({ code: 'custom', message: 'certFile and keyFile go together: give both or neither' });
  })
  .describe('How to speak TLS with the member. Needed when `endpoint` is https or unixs.');

const auth = z
  .strictObject({
    user: z
      .string()
      .min(1, 'must not be empty')
      .describe('An etcd user with the root role: Snapshot and HashKV need it.'),
    passwordFile: absolutePath().describe(
      'A file that holds the password and nothing else; a line end after it is ignored.',
    ),
  })
  .describe(
    'For an etcd with password authentication. A member without quorum gives nobody a token, and so no stream: only its file is left. A client certificate whose common name is such a user needs no token (`tls.certFile`); leave this out then.',
  );

/** `etcd`: the member on this host. */
export const etcdSection = z
  .strictObject({
    memberName: z
      .string()
      .regex(/^[^\s,=]+$/, 'must not be empty nor hold spaces, commas or `=`')
      .describe("The member's `--name`."),
    endpoint: etcdEndpoint().describe(
      "A client URL of the member on this host: `http://host:port`, `https://host:port`, or a Unix socket of etcd's as `unix:///path` (`unixs:///path` with TLS). Not a load balancer's, not another member's.",
    ),
    peerUrls: z
      .array(etcdUrl())
      .min(1, 'must hold at least one URL')
      .max(16, 'must hold at most 16 URLs')
      .refine((urls) => new Set(urls).size === urls.length, 'must not hold a URL twice')
      .describe("The member's `--initial-advertise-peer-urls`: what a restored cluster is made of."),
    dataDir: absolutePath().describe("The member's `--data-dir`."),
    walDir: absolutePath()
      .exactOptional()
      .describe("The member's `--wal-dir`, if it has one outside its data dir."),
    binary: absolutePath()
      .exactOptional()
      .describe(
        'The etcd program, asked for its version when the member does not run. Without it: looked up on PATH.',
      ),
    owner: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_.-]*:[A-Za-z_][A-Za-z0-9_.-]*$/, 'must be `user:group`, both by name')
      .exactOptional()
      .describe('`user:group` of a new data dir where there is none to take them from.'),
    requestTimeoutSeconds: seconds()
      .default(5)
      .describe('How long one short request to the member may take, in seconds.'),
    tls: tls.exactOptional(),
    auth: auth.exactOptional(),
  })
  .describe('The etcd member on this host.');
