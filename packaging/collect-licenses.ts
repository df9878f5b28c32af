import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The licenses of the npm packages that `inputs` (paths below `root`) belong to, one after the other. A package without a license file is
 * represented by the notices at the head of its files.
 *
 * @throws when a package has neither.
 */
export async function collectLicenses(root: string, inputs: readonly string[]): Promise<string> {
  const packages = new Map<string, string[]>();
  for (const input of inputs) {
    const directory = packageOf(input);
    if (directory !== undefined) packages.set(directory, [...(packages.get(directory) ?? []), input]);
  }
  const parts: string[] = [];
  for (const [directory, files] of [...packages].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    parts.push(await licenseOf(root, directory, files));
  }
  return parts.join('\n');
}

/** The directory of the npm package that a file belongs to. */
function packageOf(input: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

async function licenseOf(root: string, directory: string, inputs: readonly string[]): Promise<string> {
  const { name, version, license } = JSON.parse(
    await readFile(join(root, directory, 'package.json'), 'utf8'),
  ) as { name: string; version: string; license?: string };
  const files = (await readdir(join(root, directory))).toSorted();
  const file = files.find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const text =
    file === undefined
      ? await noticesIn(inputs.map((input) => join(root, input)))
      : await readFile(join(root, directory, file), 'utf8');
  if (text.trim() === '')
    throw new Error(`${name} ${version} has neither a license file nor notices in its files`);
  return `${name} ${version} (${license ?? 'see below'})\n${'='.repeat(72)}\n${text.trimEnd()}\n`;
}

/** The different comments at the head of files that speak of a copyright. */
async function noticesIn(files: readonly string[]): Promise<string> {
  const notices = new Set<string>();
  for (const file of files) {
    const comment = headOf(await readFile(file, 'utf8'));
    if (/copyright/i.test(comment)) notices.add(comment);
  }
  return [...notices].join('\n\n');
}

/** The `//` comments before the code. */
function headOf(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => line !== '' && !line.startsWith('//'));
  const comment = lines.slice(0, end === -1 ? lines.length : end).map((line) => line.replace(/^\/\/ ?/, ''));
  return comment.join('\n').trim();
}
