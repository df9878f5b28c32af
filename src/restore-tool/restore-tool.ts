import { isAtLeast, parseRelease } from './release.ts';

/** A program that may be able to restore, and what its own `--help` says it can. */
export interface RestoreTool {
  readonly path: string;
  readonly kind: 'etcdutl' | 'etcdctl';
  /** `3.4.23`, or `unknown` when the program did not say. */
  readonly version: string;
  /** False for etcdctl from 3.6 on: the command moved to etcdutl. */
  readonly canRestore: boolean;
  readonly canSkipHashCheck: boolean;
  readonly canSetWalDir: boolean;
  /** `--bump-revision` with `--mark-compacted`: from 3.4.27, 3.5.10 and 3.6.0 on. */
  readonly canBumpRevision: boolean;
  /** Why it is of no use at all: it could not be run, or does not say what it is. */
  readonly problem?: string;
}

/** One line for messages: `etcdctl 3.4.23 (/usr/bin/etcdctl)`, with what is wrong with it. */
export function describeTool(tool: RestoreTool): string {
  const trouble = tool.problem ?? (tool.canRestore ? undefined : 'has no `snapshot restore`');
  return `${tool.kind} ${tool.version} (${tool.path}${trouble === undefined ? '' : `: ${trouble}`})`;
}

/**
 * What a tool needs in its environment: etcdctl up to 3.3 speaks to the old store unless ETCDCTL_API is 3, and
 * from 3.6 on both warn about the variable on every call. `undefined` removes it.
 */
export function toolEnvironment(tool: {
  readonly kind: RestoreTool['kind'];
  readonly version: string;
}): Record<string, string | undefined> {
  const release = parseRelease(tool.version);
  const isNew = release !== undefined && isAtLeast(release, 3, 6);
  return { ETCDCTL_API: tool.kind === 'etcdctl' && !isNew ? '3' : undefined };
}
