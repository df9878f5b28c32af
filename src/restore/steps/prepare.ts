import { chown, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError } from '../../base/agent-error.ts';
import {
  readTextIfPresent,
  removeDurably,
  syncDirectory,
  writeTextDurably,
} from '../../base/durable-file.ts';
import { findRestoreTools } from '../../restore-tool/find-tools.ts';
import { runRestore } from '../../restore-tool/run-restore.ts';
import { expectedRevision } from '../expected-revision.ts';
import type { HostContext, RestoringHost } from './host-context.ts';
import { parseOwner } from './owner.ts';
import { pathExists } from '../../base/path-exists.ts';
import type { Step } from './step.ts';
import { adoptTree } from './sync-tree.ts';

/** Everything before the old etcd is touched. All of it is undone by deleting the staging directories. */
export function prepareSteps(context: RestoringHost): Step[] {
  return [
    makeDataDir(context),
    fetchSnapshot(context),
    verifySnapshot(context),
    ...(isRehearser(context) ? [rehearse(context)] : []),
    stage(context),
  ];
}

export function makeDataDir({ host, layout, settings }: HostContext): Step {
  return {
    name: 'make-data-dir',
    isDone: () => pathExists(layout.staging),
    run: async () => {
      const isNew = !(await pathExists(layout.dataDir));
      await mkdir(layout.dataDir, { recursive: true, mode: 0o700 });
      if (isNew) {
        const parent = await stat(dirname(layout.dataDir));
        const owner =
          settings.newDataDirOwner === undefined ? parent : await parseOwner(settings.newDataDirOwner);
        await chown(layout.dataDir, owner.uid, owner.gid);
      }
      await mkdir(layout.staging, { recursive: true, mode: 0o700 });
      if (isNew) await writeFile(`${layout.staging}/made-data-dir`, '');
      if (host.walDir !== undefined) await mkdir(host.walDir, { recursive: true, mode: 0o700 });
      if (layout.wal !== undefined) await mkdir(layout.wal.staging, { recursive: true, mode: 0o700 });
      await syncDirectory(layout.dataDir);
    },
  };
}

function fetchSnapshot({ snapshot }: RestoringHost): Step {
  return {
    name: 'fetch-snapshot',
    isDone: async () => (await snapshot.locate()) !== undefined,
    run: (signal, onBytes) => snapshot.fetch(signal, onBytes),
  };
}

/** What an agent proved before it was killed may have changed since: it is proved again, unless all that it is for is done. */
function verifySnapshot(context: RestoringHost): Step {
  const { snapshot } = context;
  let verified = false;
  return {
    name: 'verify-snapshot',
    askAgain: true,
    isDone: async () => verified || (await isStaged(context)),
    run: async (signal, onBytes) => {
      await snapshot.verify(signal, onBytes);
      verified = true;
    },
  };
}

function isRehearser({ plan, host }: RestoringHost): boolean {
  const { rehearsal } = plan.decided;
  return rehearsal?.action === 'run' && rehearsal.agent === host.agent;
}

/** Before the staging, so that both never take up room at once, and while the old etcd serves. */
function rehearse({ rehearsal, snapshot, host }: RestoringHost): Step {
  return {
    name: 'rehearse',
    isDone: async () => (await rehearsal?.isDone()) === true,
    run: async (signal, onBytes) => {
      if (rehearsal === undefined) {
        throw new AgentError('DRILL_UNAVAILABLE', `${host.agent} cannot run a throw-away etcd`);
      }
      using _held = snapshot.use();
      await rehearsal.run(signal, onBytes);
    },
  };
}

function stage(context: RestoringHost): Step {
  const { plan, layout, snapshot } = context;
  return {
    name: 'stage',
    isDone: () => isStaged(context),
    run: async (signal, onBytes) => {
      await removeDurably(layout.stagedDataDir);
      if (layout.wal !== undefined) await removeDurably(layout.wal.staged);
      await restoreIntoStaging(context, signal);
      await snapshot.verifyAfterUse(signal, onBytes);
      await proveStaged(context, signal);
      await adoptStaged(context);
      await writeTextDurably(layout.stagedMarker, plan.hash);
    },
  };
}

async function isStaged({ plan, layout }: RestoringHost): Promise<boolean> {
  return (await readTextIfPresent(layout.stagedMarker)) === plan.hash;
}

async function restoreIntoStaging(context: RestoringHost, signal: AbortSignal): Promise<void> {
  const { plan, host, layout, snapshot, log } = context;
  const [tool] = await findRestoreTools({ toolPath: host.toolPath, searchPath: context.searchPath }, signal);
  using _held = snapshot.use();
  const snapshotPath = await snapshot.locate();
  if (tool === undefined || snapshotPath === undefined) {
    throw new AgentError(
      tool === undefined ? 'RESTORE_TOOL_MISSING' : 'SNAPSHOT_UNKNOWN',
      `${tool === undefined ? host.toolPath : plan.decided.snapshot.id} was there when it was planned, and is gone`,
    );
  }
  if (tool.version !== host.toolVersion) {
    throw new AgentError(
      'GUARD_CHANGED',
      `${host.toolPath} was ${host.toolVersion} when it was planned, and is ${tool.version}`,
    );
  }
  await runRestore(
    {
      tool,
      snapshotPath,
      name: host.memberName,
      initialCluster: plan.decided.hosts.map((each) => ({ name: each.memberName, peerUrls: each.peerUrls })),
      initialClusterToken: plan.decided.clusterToken,
      initialAdvertisePeerUrls: host.peerUrls,
      dataDir: layout.stagedDataDir,
      ...(layout.wal === undefined ? {} : { walDir: layout.wal.staged }),
      skipHashCheck: !plan.decided.snapshot.hasTrailer,
      bumpRevision: await bumpOf(context, snapshotPath, signal),
      stallMs: context.settings.toolStallMs,
      onLine: (line) => {
        log.info({ tool: tool.path, line }, 'the restore tool says');
      },
    },
    signal,
  );
}

/**
 * What the tool must add so that the plan's revision comes out. It counts from the newest entry of the file, which is older
 * than the snapshot's revision where a compaction removed the newest tombstones (etcdutl/snapshot/v3_snapshot.go,
 * unsafeGetLatestRevision).
 */
async function bumpOf(
  { plan, prover }: RestoringHost,
  snapshotPath: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { revisions } = plan.decided;
  if (revisions?.action !== 'bump') return undefined;
  return revisions.to - (await prover.readFacts(snapshotPath, signal)).lastEntryRevision;
}

/** What the tool made must hold what the snapshot held, whatever its exit status said. */
async function proveStaged({ plan, layout, prover }: RestoringHost, signal: AbortSignal): Promise<void> {
  const { snapshot, revisions } = plan.decided;
  const facts = await prover.readFacts(`${layout.stagedMember}/snap/db`, signal);
  const expected = expectedRevision(plan.decided);
  if (facts.revision !== expected) {
    throw new AgentError(
      'SNAPSHOT_DAMAGED',
      `the staged database is at revision ${facts.revision}, and must be at ${expected} (the snapshot is at ${snapshot.revision})`,
    );
  }
  if (revisions?.action !== 'bump' || facts.compactRevision === expected) return;
  throw new AgentError(
    'RESTORE_TOOL_FAILED',
    `the staged database is marked compacted up to ${facts.compactRevision}, and must be up to ${expected}`,
  );
}

async function adoptStaged({ layout }: RestoringHost): Promise<void> {
  const model = await stat((await pathExists(layout.member)) ? layout.member : layout.dataDir);
  const mode = model.mode & 0o7777;
  await adoptTree(layout.stagedMember, model, mode);
  if (layout.wal !== undefined) {
    const walModel = await stat(layout.wal.dir);
    await adoptTree(layout.wal.staged, walModel, walModel.mode & 0o7777);
    await syncDirectory(layout.wal.staging);
  }
  await syncDirectory(layout.stagedDataDir);
}
