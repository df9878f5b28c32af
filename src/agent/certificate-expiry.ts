import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf } from '../base/agent-error.ts';
import type { Config } from '../config/config-schema.ts';

/** When one certificate file of the configuration expires, or why that cannot be said. */
export interface CertificateExpiry {
  readonly certificate: 'mesh' | 'mesh_ca' | 'etcd_client' | 'etcd_ca';
  readonly path: string;
  readonly expiresAtMs?: number;
  readonly problem?: string;
}

const ONE_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads the certificate files again, as renewals replace them. Of a chain the first expiry counts, as nobody trusts a leaf
 * below an expired certificate; of a file of CAs the last, as an old one stays in it after a change.
 */
export async function readCertificateExpiries({ mesh, etcd }: Config): Promise<CertificateExpiry[]> {
  const files = [
    ['mesh', mesh.tls?.certFile, Math.min],
    ['mesh_ca', mesh.tls?.caFile, Math.max],
    ['etcd_client', etcd.tls?.certFile, Math.min],
    ['etcd_ca', etcd.tls?.caFile, Math.max],
  ] as const;
  const read = files.map(async ([certificate, path, choose]) => {
    if (path === undefined) return [];
    try {
      const expiries = expiriesIn(await readFile(path, 'utf8'));
      return [{ certificate, path, expiresAtMs: choose(...expiries) }];
    } catch (error) {
      return [{ certificate, path, problem: messageOf(error) }];
    }
  });
  return (await Promise.all(read)).flat();
}

function expiriesIn(pem: string): number[] {
  const expiries = (pem.match(ONE_CERTIFICATE) ?? []).map((text) =>
    Date.parse(new X509Certificate(text).validTo),
  );
  if (expiries.length === 0) throw new Error('it holds no certificate');
  return expiries;
}
