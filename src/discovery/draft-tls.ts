import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { ConfigDraft, OpenKey } from '../config/config-draft.ts';
import type { ChosenEndpoint } from './choose-endpoint.ts';
import type { EtcdSettings } from './etcd-settings.ts';

/** What etcd's own certificate says of itself. */
export interface ServerCertificate {
  readonly dnsNames: readonly string[];
  /** Whether it may stand for a client, too. */
  readonly isForClients: boolean;
  readonly isSelfSigned: boolean;
  /** Whether the CA that etcd trusts for its clients signed it. */
  readonly isOfTrustedCa: boolean;
  /** Whether it stands for this host name or address. */
  covers(host: string): boolean;
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** `undefined` where there is none, or it may not be read. */
export async function readServerCertificate(settings: EtcdSettings): Promise<ServerCertificate | undefined> {
  if (settings.certFile === undefined) return undefined;
  const certificate = await readCertificate(settings.certFile);
  if (certificate === undefined) return undefined;
  const ca = settings.trustedCaFile === undefined ? undefined : await readCertificate(settings.trustedCaFile);
  const uses = certificate.keyUsage as readonly string[] | undefined;
  return {
    dnsNames: [...(certificate.subjectAltName ?? '').matchAll(/DNS:([A-Za-z0-9.-]+)/g)].map(
      ([, name = '']) => name,
    ),
    isForClients: uses === undefined || uses.includes(CLIENT_AUTH),
    isSelfSigned: certificate.checkIssued(certificate),
    isOfTrustedCa: ca !== undefined && certificate.checkIssued(ca) && certificate.verify(ca.publicKey),
    covers: (host) =>
      (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined,
  };
}

async function readCertificate(path: string): Promise<X509Certificate | undefined> {
  try {
    return new X509Certificate(await readFile(path));
  } catch {
    // Only what is guessed of it is lost: the file is named all the same, and `lifeboat doctor` says why it is no good.
    return undefined;
  }
}

/** How to speak TLS with the member, as far as etcd's own settings say it. */
export function draftTls(
  settings: EtcdSettings,
  endpoint: ChosenEndpoint | undefined,
  certificate: ServerCertificate | undefined,
  open: OpenKey[],
): ConfigDraft['etcd']['tls'] {
  if (endpoint?.secure !== true) return undefined;
  const caFile = caFileFor(settings, certificate, open);
  const client = clientFilesFor(settings, certificate, open);
  const serverName = serverNameFor(endpoint, certificate, open);
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...client,
    ...(serverName === undefined ? {} : { serverName }),
  };
}

function caFileFor(
  { trustedCaFile, certFile, autoTls }: EtcdSettings,
  certificate: ServerCertificate | undefined,
  open: OpenKey[],
): string | undefined {
  if (certificate?.isSelfSigned === true) return certFile;
  if (trustedCaFile !== undefined && (certificate === undefined || certificate.isOfTrustedCa)) {
    if (certificate === undefined) {
      open.push({
        key: 'etcd.tls.caFile',
        why: "the CA of etcd's clients; is it also that of etcd's own certificate, which cannot be read here?",
      });
    }
    return trustedCaFile;
  }
  const why = autoTls
    ? "etcd makes its certificate itself (--auto-tls): name that one, `fixtures/client/cert.pem` in etcd's data directory."
    : `the CA that signed ${certFile ?? "the member's certificate"}.`;
  open.push({ key: 'etcd.tls.caFile', why });
  return undefined;
}

function clientFilesFor(
  { clientCertAuth, certFile, keyFile }: EtcdSettings,
  certificate: ServerCertificate | undefined,
  open: OpenKey[],
): { certFile?: string; keyFile?: string } {
  if (!clientCertAuth) return {};
  const usable = certificate?.isForClients === true && certificate.isOfTrustedCa;
  if (usable && certFile !== undefined && keyFile !== undefined) {
    open.push({
      key: 'etcd.tls.certFile',
      why: "this is etcd's own certificate, which serves as a client's, too; one of the agent's own is better.",
    });
    return { certFile, keyFile };
  }
  open.push({
    key: 'etcd.tls.certFile',
    why: 'etcd asks its clients for a certificate (--client-cert-auth): give certFile and keyFile.',
  });
  return {};
}

function serverNameFor(
  { host }: ChosenEndpoint,
  certificate: ServerCertificate | undefined,
  open: OpenKey[],
): string | undefined {
  if (certificate === undefined || certificate.covers(host)) return undefined;
  const [name] = certificate.dnsNames;
  if (name === undefined) {
    open.push({ key: 'etcd.tls.serverName', why: `etcd's certificate does not name ${host}.` });
  }
  return name;
}
