import { AgentError } from '../base/agent-error.ts';
import { isAtLeast, parseRelease, type Release } from './release.ts';
import { describeTool, type RestoreTool } from './restore-tool.ts';

interface Candidate {
  readonly tool: RestoreTool;
  readonly release: Release;
}

/**
 * The tool that fits the etcd that will run on what it makes: the same minor, else the nearest (the newer of two
 * as near), then the newest patch, then etcdutl. Without a version of etcd it is the newest tool.
 *
 * A tool of 3.4 or older never serves etcd 3.6 or newer: 3.6 reads its members from a bucket of the database that
 * such a tool does not fill, and panics; 3.7 never becomes healthy. A 3.6 tool's data dir does start on 3.4 (both tried).
 *
 * @param etcdVersion - As `etcd --version` or the member's status says it: `3.6.14`.
 * @throws {AgentError} `RESTORE_TOOL_MISSING` when none can restore; `RESTORE_TOOL_UNFIT` when none fits.
 */
export function chooseRestoreTool(
  tools: readonly RestoreTool[],
  etcdVersion: string | undefined,
): RestoreTool {
  const candidates = tools.flatMap(asCandidate);
  const found = tools.map(describeTool);
  const [first] = candidates;
  if (first === undefined) {
    const seen = found.length === 0 ? 'neither etcdutl nor etcdctl was found' : `found ${found.join(', ')}`;
    throw new AgentError('RESTORE_TOOL_MISSING', `no tool here can restore a snapshot: ${seen}`, {
      details: { found },
    });
  }
  if (etcdVersion === undefined) return best(first, candidates, (a, b) => compareAge(a, b)).tool;
  const etcd = requireRelease(etcdVersion, found);
  const fitting = candidates.filter(({ release }) => fits(release, etcd));
  const [firstFitting] = fitting;
  if (firstFitting === undefined) {
    throw new AgentError('RESTORE_TOOL_UNFIT', `no tool here fits etcd ${etcdVersion}: ${found.join(', ')}`, {
      details: { etcdVersion, found },
    });
  }
  return best(firstFitting, fitting, (a, b) => distance(b, etcd) - distance(a, etcd) || compareAge(a, b))
    .tool;
}

function asCandidate(tool: RestoreTool): Candidate[] {
  const release = parseRelease(tool.version);
  return tool.canRestore && release !== undefined ? [{ tool, release }] : [];
}

function requireRelease(etcdVersion: string, found: readonly string[]): Release {
  const release = parseRelease(etcdVersion);
  if (release !== undefined) return release;
  throw new AgentError('RESTORE_TOOL_UNFIT', `"${etcdVersion}" is not a version of etcd`, {
    details: { etcdVersion, found },
  });
}

function fits(tool: Release, etcd: Release): boolean {
  if (tool.major !== etcd.major) return false;
  return isAtLeast(tool, 3, 5) || !isAtLeast(etcd, 3, 6);
}

function distance({ release }: Candidate, etcd: Release): number {
  return Math.abs(release.minor - etcd.minor);
}

/** Positive when `a` is preferred: newer, or as new and etcdutl. */
function compareAge(a: Candidate, b: Candidate): number {
  return (
    a.release.major - b.release.major ||
    a.release.minor - b.release.minor ||
    a.release.patch - b.release.patch ||
    Number(a.tool.kind === 'etcdutl') - Number(b.tool.kind === 'etcdutl')
  );
}

/** The first in the order found among the most preferred. */
function best(
  first: Candidate,
  candidates: readonly Candidate[],
  prefer: (a: Candidate, b: Candidate) => number,
): Candidate {
  return candidates.reduce((chosen, next) => (prefer(next, chosen) > 0 ? next : chosen), first);
}
