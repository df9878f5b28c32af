import { chmod, copyFile, mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** One file or directory of a package: where, with which mode, and what is in it. */
export type PackageEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'text'; readonly path: string; readonly mode: number; readonly text: string }
  | { readonly kind: 'copy'; readonly path: string; readonly mode: number; readonly source: string };

export function textEntry(path: string, text: string, mode = 0o644): PackageEntry {
  return { kind: 'text', path, mode, text };
}

export function copyEntry(path: string, source: string, mode = 0o644): PackageEntry {
  return { kind: 'copy', path, mode, source };
}

/** `text` under `path`, compressed; gzip's own time stamp stays empty. */
export function compress(text: string): Buffer {
  return gzipSync(text, { level: 9 });
}

/** Writes the entries below `root`, with the modes and times that they are to have in the package, whatever the umask is. */
export async function writeEntries(
  root: string,
  entries: readonly PackageEntry[],
  modifiedSeconds: number,
): Promise<void> {
  await makeDirectory(root);
  for (const entry of entries) {
    const path = join(root, entry.path);
    await makeDirectory(entry.kind === 'directory' ? path : dirname(path));
    if (entry.kind === 'copy') await copyFile(entry.source, path);
    if (entry.kind === 'text') {
      await writeFile(path, path.endsWith('.gz') ? compress(entry.text) : entry.text);
    }
    await chmod(path, entry.mode);
    await utimes(path, modifiedSeconds, modifiedSeconds);
  }
}

async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
}
