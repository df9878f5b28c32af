import { readFileSync } from 'node:fs';

/** Put in by the bundler: a built program has no package.json beside it. */
declare const LIFEBOAT_RELEASE: string | undefined;

/** The version of this program: built in, else, from its sources, as its package.json says. */
export function readRelease(): string {
  if (typeof LIFEBOAT_RELEASE === 'string') return LIFEBOAT_RELEASE;
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}
