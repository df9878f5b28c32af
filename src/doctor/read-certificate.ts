import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { messageOf } from '../base/agent-error.ts';
import { certificateNames } from '../mesh/peer-certificate.ts';
import type { CertificateFacts } from './judge-certificate.ts';

interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

const ONE_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads a certificate, its key and its CA. What cannot be read is a problem among the facts, never thrown. */
export async function readCertificate(files: CertificateFiles, name?: string): Promise<CertificateFacts> {
  const problems: string[] = [];
  const attempt = async <T>(path: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      const message = messageOf(error);
      problems.push(message.includes(path) ? message : `${path}: ${message}`);
      return undefined;
    }
  };
  const [cas, chain, key, keyMode] = [
    await attempt(files.caFile, () => certificatesIn(files.caFile)),
    await attempt(files.certFile, () => certificatesIn(files.certFile)),
    await attempt(files.keyFile, async () => createPrivateKey(await readFile(files.keyFile))),
    await attempt(files.keyFile, async () => (await stat(files.keyFile)).mode),
  ];
  const leaf = chain?.[0];
  if (cas === undefined || chain === undefined || leaf === undefined || key === undefined) {
    return { ...files, problems: [...new Set(problems)] };
  }
  return {
    ...files,
    problems,
    ...(keyMode === undefined ? {} : { keyMode }),
    ...factsOf({ cas, chain, leaf, key }, name),
  };
}

interface Material {
  readonly cas: readonly X509Certificate[];
  readonly chain: readonly X509Certificate[];
  readonly leaf: X509Certificate;
  readonly key: KeyObject;
}

function factsOf({ cas, chain, leaf, key }: Material, name: string | undefined) {
  const roots = cas.filter((ca) => leadsTo(leaf, chain.slice(1), ca));
  const uses = leaf.keyUsage as readonly string[] | undefined;
  return {
    validFromMs: Date.parse(leaf.validFrom),
    validToMs: Math.min(...chain.map(endOf)),
    ...(roots.length === 0 ? {} : { caValidToMs: Math.max(...roots.map(endOf)) }),
    keyFits: leaf.checkPrivateKey(key),
    ...(leaf.subjectAltName === undefined ? {} : { names: leaf.subjectAltName }),
    isNamed: name === undefined || certificateNames(leaf, name),
    ...(uses === undefined ? {} : { uses }),
    chains: roots.length > 0,
  };
}

function endOf({ validTo }: X509Certificate): number {
  return Date.parse(validTo);
}

async function certificatesIn(path: string): Promise<X509Certificate[]> {
  const found = (await readFile(path, 'utf8')).match(ONE_CERTIFICATE) ?? [];
  if (found.length === 0) throw new Error('it holds no certificate');
  return found.map((text) => new X509Certificate(text));
}

/** Whether signatures lead from the certificate, over intermediate ones each used once, to the CA. */
function leadsTo(
  certificate: X509Certificate,
  intermediates: readonly X509Certificate[],
  ca: X509Certificate,
): boolean {
  if (isSignedBy(certificate, ca)) return true;
  return intermediates.some(
    (next) =>
      isSignedBy(certificate, next) &&
      leadsTo(
        next,
        intermediates.filter((other) => other !== next),
        ca,
      ),
  );
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
