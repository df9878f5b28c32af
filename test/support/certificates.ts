import { execa } from 'execa';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Certificates {
  readonly caFile: string;
  /** By name, as given. */
  readonly certs: Readonly<Record<string, CertificateFiles>>;
}

/**
 * Makes a CA of its own and one certificate per name below `directory` (which exists), by openssl. Each is EC P-256,
 * for servers and clients, and valid for its name, `localhost`, 127.0.0.1 and ::1. Two calls give unrelated CAs; give each its own directory.
 */
export async function makeCertificates(directory: string, names: readonly string[]): Promise<Certificates> {
  const ca = { certFile: join(directory, 'ca.crt'), keyFile: join(directory, 'ca.key') };
  await makeCa(ca);
  const certs: Record<string, CertificateFiles> = {};
  for (const name of names) {
    const files = { certFile: join(directory, `${name}.crt`), keyFile: join(directory, `${name}.key`) };
    await issue(ca, name, files);
    certs[name] = files;
  }
  return { caFile: ca.certFile, certs };
}

/** Signs a fresh certificate for `name` over the files at `files`, as a renewal does. */
export async function renewCertificate(directory: string, name: string): Promise<CertificateFiles> {
  const files = { certFile: join(directory, `${name}.crt`), keyFile: join(directory, `${name}.key`) };
  await issue({ certFile: join(directory, 'ca.crt'), keyFile: join(directory, 'ca.key') }, name, files);
  return files;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

async function makeCa(ca: CertificateFiles): Promise<void> {
  const config = `${ca.certFile}.cnf`;
  await writeFile(
    config,
    [
      '[req]\ndistinguished_name = dn\nprompt = no\nx509_extensions = ca',
      '[dn]\nCN = test CA',
      '[ca]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash\n',
    ].join('\n'),
  );
  await openssl('req', '-x509', '-days', '2', '-config', config, ...NEW_KEY, ...outputs(ca));
}

async function issue(ca: CertificateFiles, name: string, files: CertificateFiles): Promise<void> {
  const request = `${files.certFile}.csr`;
  const extensions = `${files.certFile}.ext`;
  await writeFile(
    extensions,
    [
      'basicConstraints = CA:FALSE',
      'keyUsage = critical, digitalSignature',
      'extendedKeyUsage = serverAuth, clientAuth',
      `subjectAltName = DNS:${name}, DNS:localhost, IP:127.0.0.1, IP:::1\n`,
    ].join('\n'),
  );
  await openssl('req', '-new', '-subj', `/CN=${name}`, ...NEW_KEY, '-keyout', files.keyFile, '-out', request);
  await openssl(
    ...['x509', '-req', '-days', '2', '-in', request, '-out', files.certFile, '-extfile', extensions],
    ...['-CA', ca.certFile, '-CAkey', ca.keyFile, '-CAcreateserial'],
  );
}

function outputs(files: CertificateFiles): string[] {
  return ['-keyout', files.keyFile, '-out', files.certFile];
}

async function openssl(...args: string[]): Promise<void> {
  await execa('openssl', args);
}
