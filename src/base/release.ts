import { readFileSync } from 'node:fs';

/** The version of this program, as its package.json says: the same file from `src/` and from `dist/`. */
export function readRelease(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}
