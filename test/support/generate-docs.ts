import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { generatedDocuments } from './documents.ts';

// --write: bring docs/errors.md and docs/configuration.md up to date. --check: fail when they are not.

const write = process.argv.includes('--write');
if (write === process.argv.includes('--check')) throw new Error('say --write or --check');

for (const { file, text } of await generatedDocuments()) {
  const path = fileURLToPath(file);
  const found = await readFile(path, 'utf8').catch(() => '');
  if (found === text) continue;
  if (write) {
    await writeFile(path, text);
  } else {
    process.stderr.write(`${path} is not what the source says: run \`npm run docs\`\n`);
    process.exitCode = 1;
  }
}
