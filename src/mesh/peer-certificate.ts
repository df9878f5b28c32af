import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';

/**
 * Whether the certificate carries `name` as a DNS name of its own: no wildcard, no common name. OpenSSL compares, because
 * the printed form of a subjectAltName can be forged by a name that holds a comma.
 */
export function certificateNames(certificate: X509Certificate, name: string): boolean {
  // A leading dot would make OpenSSL match every name below it.
  if (name.startsWith('.')) return false;
  return certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined;
}

/** Which of the `names` the certificate stands for. */
export function namesOf(certificate: X509Certificate, names: Iterable<string>): Set<string> {
  return new Set([...names].filter((name) => certificateNames(certificate, name)));
}

/**
 * What `tls.connect` needs so that the server must be the peer `name`, whatever host the URL says: the host may be an
 * address, a name of the network, or an attacker's choice; the peer is who its certificate says.
 */
export function expectPeer(name: string): {
  servername: string;
  checkServerIdentity: (host: string, certificate: PeerCertificate) => Error | undefined;
} {
  return {
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_host, { raw }) => {
      const certificate = new X509Certificate(raw);
      if (certificateNames(certificate, name)) return undefined;
      const found = certificate.subjectAltName ?? 'none';
      const error: NodeJS.ErrnoException = new Error(
        `the certificate is not that of ${name}: its alternative names are ${found}`,
      );
      error.code = 'ERR_TLS_CERT_ALTNAME_INVALID';
      return error;
    },
  };
}
