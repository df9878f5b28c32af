import { execa } from 'execa';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { judgeCertificate, type CertificateFacts } from '../../../src/doctor/judge-certificate.ts';
import { readCertificate } from '../../../src/doctor/read-certificate.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

function judged(facts: Awaited<ReturnType<typeof readCertificate>>, nowMs: number): string {
  const demands = { id: 'mesh.certificate', name: 'h1', uses: ['server', 'client'], chain: true } as const;
  const { status, found } = judgeCertificate(facts, { ...demands, nowMs });
  return `${status} ${found}`;
}

/** While both the certificate and its CA, made a moment before it, are valid. */
function lastMomentOf({ validToMs = 0, caValidToMs = 0 }: CertificateFacts): number {
  return Math.min(validToMs, caValidToMs) - 1;
}

const DAYS_TO_SPARE = 2 * 86_400_000;

test('certificates of openssl are read as they are: name, uses, key, chain and end', async () => {
  await using directory = await temporaryDirectory();
  const { caFile, certs } = await makeCertificates(directory.path, ['h1', 'h2']);
  const [h1, h2] = [certs['h1'], certs['h2']];
  if (h1 === undefined || h2 === undefined) throw new Error('no certificates');
  const facts = await readCertificate({ ...h1, caFile }, 'h1');
  expect(facts).toMatchObject({ problems: [], keyFits: true, isNamed: true, chains: true });
  const soon = lastMomentOf(facts);
  expect(judged(facts, soon)).toMatch(/^warn .*h1\.crt is valid until/);
  expect(judged(facts, facts.validToMs ?? 0)).toMatch(/^fail .*h1\.crt expired on/);
  expect(judged(facts, soon - DAYS_TO_SPARE)).toMatch(/^fail .*valid only from/);

  const wrongName = await readCertificate({ ...h2, caFile }, 'h1');
  expect(judged(wrongName, soon)).toMatch(/^fail .*is not for h1: its alternative names are DNS:h2/);
  const wrongKey = await readCertificate({ certFile: h1.certFile, keyFile: h2.keyFile, caFile }, 'h1');
  expect(judged(wrongKey, soon)).toMatch(/^fail .*h2\.key is not the key of .*h1\.crt/);
});

test('a certificate of another CA, of the same name, is not taken for one of ours', async () => {
  await using directory = await temporaryDirectory();
  await using elsewhere = await temporaryDirectory();
  const ours = await makeCertificates(directory.path, ['h1']);
  const theirs = await makeCertificates(elsewhere.path, ['h1']);
  const [own, other] = [ours.certs['h1'], theirs.certs['h1']];
  if (own === undefined || other === undefined) throw new Error('no certificates');
  expect((await readCertificate({ ...other, caFile: ours.caFile }, 'h1')).chains).toBe(false);
  // A file with both, as in the days of a change of CA.
  const both = join(directory.path, 'both.crt');
  const texts = await Promise.all([theirs.caFile, ours.caFile].map((file) => execa('cat', [file])));
  await writeFile(both, texts.map(({ stdout }) => `${stdout}\n`).join(''));
  expect((await readCertificate({ ...own, caFile: both }, 'h1')).chains).toBe(true);
});

test('a certificate is led to its CA by the intermediate one that stands behind it', async () => {
  await using directory = await temporaryDirectory();
  const at = (name: string): string => join(directory.path, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const ca = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
  await execa('openssl', [
    'req',
    '-x509',
    '-subj',
    '/CN=root',
    ...key,
    '-keyout',
    at('root.key'),
    '-out',
    at('root.pem'),
    ...ca,
  ]);
  await execa('openssl', [
    ...[
      'req',
      '-x509',
      '-subj',
      '/CN=middle',
      ...key,
      '-keyout',
      at('middle.key'),
      '-out',
      at('middle.pem'),
      ...ca,
    ],
    ...['-CA', at('root.pem'), '-CAkey', at('root.key')],
  ]);
  await execa('openssl', [
    ...['req', '-x509', '-subj', '/CN=h1', ...key, '-keyout', at('h1.key'), '-out', at('leaf.pem')],
    ...['-addext', 'subjectAltName=DNS:h1', '-CA', at('middle.pem'), '-CAkey', at('middle.key')],
  ]);
  const files = { keyFile: at('h1.key'), caFile: at('root.pem') };
  expect((await readCertificate({ ...files, certFile: at('leaf.pem') }, 'h1')).chains).toBe(false);
  await execa('sh', ['-c', 'cat leaf.pem middle.pem > chain.pem'], { cwd: directory.path });
  expect((await readCertificate({ ...files, certFile: at('chain.pem') }, 'h1')).chains).toBe(true);
});

test('a CA of the same name, where certificates say nothing of keys, is told apart by its signature', async () => {
  await using directory = await temporaryDirectory();
  const at = (name: string): string => join(directory.path, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const bare = ['-addext', 'subjectKeyIdentifier=none', '-addext', 'authorityKeyIdentifier=none'];
  for (const name of ['one', 'other']) {
    const out = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
    await execa('openssl', ['req', '-x509', '-subj', '/CN=root', ...key, ...out, ...bare]);
  }
  // As one request and one signature: openssl then adds no extension by itself.
  const request = ['-new', '-subj', '/CN=h1', ...key, '-keyout', at('h1.key'), '-out', at('h1.csr')];
  await execa('openssl', ['req', ...request]);
  const signer = ['-CA', at('one.pem'), '-CAkey', at('one.key'), '-CAcreateserial'];
  await execa('openssl', ['x509', '-req', '-in', at('h1.csr'), '-out', at('h1.pem'), ...signer]);
  const files = { certFile: at('h1.pem'), keyFile: at('h1.key') };
  expect((await readCertificate({ ...files, caFile: at('one.pem') })).chains).toBe(true);
  expect((await readCertificate({ ...files, caFile: at('other.pem') })).chains).toBe(false);
});

test('files that are missing, or are something else, are all named', async () => {
  await using directory = await temporaryDirectory();
  const { caFile, certs } = await makeCertificates(directory.path, ['h1']);
  const certFile = certs['h1']?.certFile ?? '';
  const { problems } = await readCertificate({
    certFile: caFile + '.cnf',
    keyFile: '/nonexistent/key',
    caFile,
  });
  expect(problems.join('\n')).toMatch(/ca\.crt\.cnf: it holds no certificate/);
  expect(problems.join('\n')).toContain('/nonexistent/key');
  await chmod(certs['h1']?.keyFile ?? '', 0o644);
  const open = await readCertificate({ certFile, keyFile: certs['h1']?.keyFile ?? '', caFile }, 'h1');
  expect(judged(open, lastMomentOf(open))).toContain('mode 0644');
});
