/** A release of etcd or of one of its tools. What follows the patch (`-rc.1`, `+git`) is not kept. */
export interface Release {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** The first `3.6.14` in a text such as `etcdutl version: 3.6.14`, or `undefined`. */
export function findVersion(text: string): string | undefined {
  return /\b\d{1,4}\.\d{1,4}\.\d{1,6}\b/.exec(text)?.[0];
}

/** `undefined` when the text does not begin with three numbers. */
export function parseRelease(version: string): Release | undefined {
  const [, major, minor, patch] = /^v?(\d{1,4})\.(\d{1,4})\.(\d{1,6})(?!\d)/.exec(version) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch) };
}

/** Whether `release` is of `major.minor` or newer. */
export function isAtLeast(release: Release, major: number, minor: number): boolean {
  return release.major > major || (release.major === major && release.minor >= minor);
}
