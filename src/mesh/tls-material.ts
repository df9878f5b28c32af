import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureVersion } from 'node:tls';
import { AgentError, messageOf } from '../base/agent-error.ts';
import type { MeshTls } from './mesh-options.ts';
import { certificateNames } from './peer-certificate.ts';

/** In the shape that `tls`, `https` and `ws` take. */
export interface TlsMaterial {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly minVersion: SecureVersion;
}

/**
 * Reads CA, certificate and key, and proves that they are usable: the key fits, and the certificate names this agent.
 *
 * @throws {AgentError} `FILE_UNREADABLE` or `CONFIG_INVALID`.
 */
export async function readTlsMaterial(files: MeshTls, self: string): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all([
    readPem(files.caFile),
    readPem(files.certFile),
    readPem(files.keyFile),
  ]);
  const material: TlsMaterial = { ca, cert, key, minVersion: 'TLSv1.2' };
  try {
    createSecureContext(material);
  } catch (cause) {
    const where = `${files.certFile}, ${files.keyFile}, ${files.caFile}`;
    throw new AgentError(
      'CONFIG_INVALID',
      `the mesh certificate is not usable (${where}): ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
  const certificate = new X509Certificate(cert);
  if (!certificateNames(certificate, self)) {
    const found = certificate.subjectAltName ?? 'none';
    throw new AgentError(
      'CONFIG_INVALID',
      `${files.certFile} is not the certificate of ${self}: its alternative names are ${found}`,
    );
  }
  return material;
}

export function sameMaterial(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.ca.equals(other.ca) && one.cert.equals(other.cert) && one.key.equals(other.key);
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', `${path}: ${messageOf(cause)}`, { cause });
  }
}
