import { execa } from 'execa';
import { readFile } from 'node:fs/promises';

const GUIDE = new URL('../../docs/operations.md', import.meta.url);

/**
 * Makes certificates in `directory` by the very commands of docs/operations.md: `ca.pem`, and `<name>.pem` and
 * `<name>-key.pem` for host1.example.org to host3.example.org.
 */
export async function makeDocumentedCertificates(directory: string): Promise<void> {
  const guide = await readFile(GUIDE, 'utf8');
  const commands = /```sh\n(openssl req -x509 [^`]*)```/.exec(guide)?.[1];
  if (commands === undefined) throw new Error('docs/operations.md does not say how to make certificates');
  await execa('bash', ['-euo', 'pipefail', '-c', commands], { cwd: directory });
}
