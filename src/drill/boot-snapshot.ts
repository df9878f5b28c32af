import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { AgentError } from '../base/agent-error.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { runRestore } from '../restore-tool/run-restore.ts';
import { judgeStructure } from '../snapshot/judge-structure.ts';
import { askServed, SHOWS_NOTHING, untilServing } from './ask-etcd.ts';
import { bootEtcd, type ThrowAwayEtcd } from './boot-etcd.ts';
import type { DrillContext, OnDrillProgress } from './drill-context.ts';
import { EtcdEnded } from './etcd-ended.ts';
import { DRILL_MEMBER } from './etcd-flags.ts';
import type { DrillPrograms } from './find-programs.ts';
import type { Served } from './judge-served.ts';
import { reportingSize } from './report-size.ts';
import { whileEtcdWorks } from './while-etcd-works.ts';

export interface BootedSnapshot {
  readonly served: Served;
  /** `etcd`: its own answers. `file`: authentication is on, so what it left in its file was read. */
  readonly readFrom: 'etcd' | 'file';
}

/** A verdict on the snapshot: `SNAPSHOT_UNBOOTABLE` where this etcd ends on it, and starts without it; `SNAPSHOT_DAMAGED`. */
export interface RefusedSnapshot {
  readonly refusal: AgentError;
}

interface Boot {
  readonly context: DrillContext;
  readonly programs: DrillPrograms;
  readonly manifest: SnapshotManifest;
  readonly scratch: string;
  readonly onProgress: OnDrillProgress;
}

/**
 * Restores the snapshot into the scratch directory as a restore would, under a token of its own, boots etcd on it, and
 * asks what it serves.
 *
 * @throws {AgentError} what is no verdict on the snapshot: `DRILL_UNAVAILABLE` when etcd could not be run, or gave no
 *   answer; as `runRestore`.
 */
export async function bootSnapshot(
  boot: Boot,
  signal: AbortSignal,
): Promise<BootedSnapshot | RefusedSnapshot> {
  const { onProgress, manifest, programs } = boot;
  const dataDir = join(boot.scratch, 'data');
  // The tools reserve no room beforehand: the file's size is how far they are.
  const onBytes = (bytes: number): void => {
    onProgress({ phase: 'restoring into a scratch directory', bytes, totalBytes: manifest.sizeBytes });
  };
  const { clock } = boot.context;
  await reportingSize(join(dataDir, 'member', 'snap', 'db'), { clock, onBytes }, () =>
    restore(boot, dataDir, signal),
  );
  onProgress({ phase: `booting etcd ${programs.etcd.version} on it` });
  try {
    return await serve(boot, dataDir, signal);
  } catch (error) {
    if (!(error instanceof EtcdEnded)) throw error;
    return { refusal: await verdictOn(boot, error, signal) };
  }
}

async function restore(
  { context, programs, manifest }: Boot,
  dataDir: string,
  signal: AbortSignal,
): Promise<void> {
  const { name, peerUrl } = DRILL_MEMBER;
  const { tool, launcher } = programs;
  await runRestore(
    {
      tool,
      launcher,
      dataDir,
      name,
      snapshotPath: context.catalog.pathOf(manifest.id),
      initialCluster: [{ name, peerUrls: [peerUrl] }],
      initialClusterToken: `lifeboat-drill-${randomBytes(12).toString('hex')}`,
      initialAdvertisePeerUrls: [peerUrl],
      skipHashCheck: !manifest.hasTrailer,
      stallMs: context.stallMs,
    },
    signal,
  );
}

async function serve(
  boot: Boot,
  dataDir: string,
  signal: AbortSignal,
): Promise<BootedSnapshot | RefusedSnapshot> {
  const { context, programs, scratch, manifest } = boot;
  const { clock, stallMs } = context;
  const { launcher, etcd: program } = programs;
  const directory = join(scratch, 'run');
  await using etcd = await bootEtcd({ program: program.path, launcher, directory, dataDir, clock });
  const question = { endpoint: etcd.endpoint, auth: context.auth, clock };
  const answer = await whileEtcdWorks({ etcd, stallMs, clock }, signal, (watched) =>
    askServed(question, manifest.revision, watched),
  );
  if (answer !== SHOWS_NOTHING) return { served: answer, readFrom: 'etcd' };
  return await readFile(boot, { etcd, dataDir }, signal);
}

interface Silent {
  readonly etcd: ThrowAwayEtcd;
  readonly dataDir: string;
}

/** What an etcd that shows its data to nobody here left in its database when it ended in good order. */
async function readFile(
  { context, onProgress, manifest }: Boot,
  { etcd, dataDir }: Silent,
  signal: AbortSignal,
): Promise<BootedSnapshot | RefusedSnapshot> {
  if (!(await etcd.stop(signal))) {
    throw new AgentError(
      'DRILL_UNAVAILABLE',
      `the throw-away etcd did not end when asked: ${await etcd.words()}`,
    );
  }
  const totalBytes = manifest.sizeBytes;
  const path = join(dataDir, 'member', 'snap', 'db');
  const proof = await context.prover.proveKeyspace(path, {
    signal,
    onBytes: (bytes) => {
      onProgress({ phase: 'reading what etcd left in its file', bytes, totalBytes });
    },
  });
  const sound = judgeStructure(proof);
  if (sound instanceof AgentError) {
    return {
      refusal: new AgentError(sound.code, `what etcd left of it: ${sound.message}`, { cause: sound }),
    };
  }
  const { facts, keyCount, hashKv } = sound;
  if (facts.revision > manifest.revision) {
    throw new AgentError(
      'DRILL_UNAVAILABLE',
      `leases ran out while etcd ran, and authentication keeps it from being asked for revision ${manifest.revision}`,
    );
  }
  const { hash, compactRevision } = hashKv;
  return { served: { revision: facts.revision, keyCount, hash, compactRevision }, readFrom: 'file' };
}

/**
 * An etcd that ended says something of the snapshot only where the same etcd starts without it.
 *
 * @throws {AgentError} `DRILL_UNAVAILABLE` where it does not, or was killed.
 */
async function verdictOn(boot: Boot, ended: EtcdEnded, signal: AbortSignal): Promise<AgentError> {
  const { how, message } = ended;
  const version = boot.programs.etcd.version;
  const words = `etcd ${version} did not serve it. ${message}`;
  if (how.startsWith('signal ')) throw new AgentError('DRILL_UNAVAILABLE', words, { cause: ended });
  const without = await whyNotWithout(boot, signal);
  if (without === undefined) return new AgentError('SNAPSHOT_UNBOOTABLE', words, { cause: ended });
  throw new AgentError('DRILL_UNAVAILABLE', `${words}\nNor does it start on an empty directory: ${without}`, {
    cause: ended,
  });
}

/** Why the same etcd does not start on an empty data dir in the same place either, or `undefined` where it does. */
async function whyNotWithout(
  { context, programs, scratch }: Boot,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { clock, stallMs } = context;
  const directory = join(scratch, 'control');
  await using etcd = await bootEtcd({
    program: programs.etcd.path,
    launcher: programs.launcher,
    directory,
    dataDir: join(directory, 'data'),
    clock,
  });
  try {
    await whileEtcdWorks({ etcd, stallMs, clock }, signal, (watched) =>
      untilServing({ endpoint: etcd.endpoint, clock }, watched),
    );
    return undefined;
  } catch (error) {
    if (error instanceof EtcdEnded) return error.words;
    if (error instanceof AgentError && error.code === 'DRILL_UNAVAILABLE') return error.message;
    throw error;
  }
}
