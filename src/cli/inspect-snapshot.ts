import { AgentError } from '../base/agent-error.ts';
import type { PageFile } from '../bbolt/page-file.ts';
import { largestPrefixes } from '../mvcc/largest-prefixes.ts';
import { readMembership } from '../mvcc/membership.ts';
import type { PrefixSize } from '../mvcc/prefix-sizes.ts';
import { keyText } from '../mvcc/key-text.ts';
import { openProver, type FileProof } from '../snapshot/prover.ts';
import { exitStatusOfError } from './exit-status.ts';
import { inspection, type TopPrefix, type TopPrefixes, type TopWish } from './inspection.ts';
import { inspectText } from './inspect-text.ts';
import { lookInto, type OpenSnapshot } from './look-into.ts';
import type { Session } from './session.ts';

/**
 * `lifeboat snapshot inspect`: everything that a file tells, with all that is wrong with it.
 *
 * @returns 0, or the status of `SNAPSHOT_DAMAGED` when there are findings.
 * @throws {AgentError} what `lookInto` throws; `SNAPSHOT_NOT_A_DATABASE` or `SNAPSHOT_DAMAGED` when nothing at all can be read of it.
 */
export async function inspectSnapshot(
  session: Session,
  which: string,
  top: TopWish | undefined,
): Promise<number> {
  return await lookInto(session, [which], async ([snapshot], signal) => {
    if (snapshot === undefined) return 0;
    const proof = await prove(session, snapshot, signal);
    if (proof.keyspace instanceof AgentError) throw proof.keyspace;
    const { keyspace, bytes } = proof;
    const isSound = keyspace.findingCount === 0;
    const facts = inspection(
      snapshot,
      { bytes, keyspace },
      isSound ? readMembership(snapshot.file) : undefined,
    );
    const largest = top && isSound ? { top: await topOf(snapshot.file, top, signal) } : {};
    const nowMs = session.surroundings.clock.now();
    session.print({ ...facts, ...largest }, (shown, paint) => inspectText(shown, nowMs, paint));
    return facts.findingCount === 0 ? 0 : exitStatusOfError('SNAPSHOT_DAMAGED');
  });
}

async function prove(
  session: Session,
  { path, name, file }: OpenSnapshot,
  signal: AbortSignal,
): Promise<FileProof> {
  const display = session.openProgress();
  const totalBytes = file.sizeBytes;
  try {
    return await openProver(session.surroundings.threadProgram).proveFile(path, {
      signal,
      withStatus: true,
      onBytes: (bytes) => display?.show({ phase: `reading ${name}`, bytes, totalBytes }),
    });
  } finally {
    display?.clear();
  }
}

async function topOf(file: PageFile, wish: TopWish, signal: AbortSignal): Promise<TopPrefixes> {
  const { byBytes, byRevisions, ...missing } = await largestPrefixes(file, wish, signal);
  return {
    depth: wish.depth,
    byBytes: byBytes.map(prefixDocument),
    byRevisions: byRevisions.map(prefixDocument),
    ...missing,
  };
}

function prefixDocument({ prefix, ...sums }: PrefixSize): TopPrefix {
  return { prefix: keyText(prefix), prefixBase64: prefix.toString('base64'), ...sums };
}
