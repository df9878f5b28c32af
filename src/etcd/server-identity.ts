import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * For `checkServerIdentity` of a TLS connection: the certificate must be that of `expectedName`, whatever name was sent.
 *
 * Node 22.23 finds no IPv6 address in a certificate, as it makes a domain name of the address first, which leaves nothing
 * (nodejs/node: lib/tls.js; 20, 24 and 26 find it). So OpenSSL compares addresses.
 */
export function expectServer(
  expectedName: string,
): (sentName: string, certificate: PeerCertificate) => Error | undefined {
  if (isIP(expectedName) === 0)
    return (_sentName, certificate) => checkServerIdentity(expectedName, certificate);
  return (_sentName, { raw }) => {
    const certificate = new X509Certificate(raw);
    if (certificate.checkIP(expectedName) !== undefined) return undefined;
    const found = certificate.subjectAltName ?? 'none';
    const error: NodeJS.ErrnoException = new Error(
      `the certificate is not that of ${expectedName}: its alternative names are ${found}`,
    );
    error.code = 'ERR_TLS_CERT_ALTNAME_INVALID';
    return error;
  };
}
