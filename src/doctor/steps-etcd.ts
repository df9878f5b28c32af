import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AgentError, systemCodeOf } from '../base/agent-error.ts';
import { freeSpaceBytes } from '../base/free-space.ts';
import { findRestoreTools } from '../restore-tool/find-tools.ts';
import { WAL_BYTES } from '../restore/plan-guards.ts';
import { readLogIdentity } from '../wal/read-identity.ts';
import type { LogIdentity } from '../wal/record-data.ts';
import { fail, ok, skipped, type Check } from './check.ts';
import { versionOf, type EtcdSeen } from './gather-etcd.ts';
import { judgeCertificate } from './judge-certificate.ts';
import { judgeDirectory } from './judge-data.ts';
import { judgeMember, judgeProcess, memberIsDown } from './judge-member.ts';
import { judgeSettings } from './judge-settings.ts';
import { judgeFreshness } from './judge-snapshots.ts';
import { judgeSpace, type SpaceFacts } from './judge-space.ts';
import { judgeHold, judgeSight } from './judge-supervisor.ts';
import { judgeBinary, judgeTool } from './judge-tool.ts';
import { ownUser } from './own-user.ts';
import { probeDirectory } from './probe-directory.ts';
import { readCertificate } from './read-certificate.ts';
import type { Step } from './step.ts';
import { unitWords, type DoctorSubject } from './subject.ts';

/** etcd on this host: its process, its data, and what can be done with both. */
export function etcdSteps(subject: DoctorSubject, seen: EtcdSeen): Step[] {
  const { config } = subject;
  return [
    step('etcd.process', () => processCheck(subject, seen)),
    step('etcd.settings', () => settingsCheck(subject, seen)),
    step('etcd.member', (signal) => memberCheck(subject, seen, signal)),
    step('etcd.binary', () => judgeBinary(seen.program, seen.member.version)),
    step('etcd.certificate', () => certificateCheck(subject)),
    { ids: ['data.directory', 'data.swap', 'data.reflink'], look: () => directoryChecks(subject, seen) },
    step('supervisor.rights', (signal) => rightsCheck(subject, signal)),
    step('supervisor.sight', () => sightCheck(seen)),
    step('supervisor.hold', () => holdCheck(subject)),
    step('restore.tool', async (signal) => {
      const search = { toolPath: config.restore.tool, searchPath: subject.searchPath };
      return judgeTool(await findRestoreTools(search, signal), versionOf(seen));
    }),
    step('restore.space', async () => judgeSpace(await spaceFacts(subject, seen), WAL_BYTES)),
    step('snapshots.fresh', async () =>
      judgeFreshness({
        snapshots: await subject.snapshots(),
        staleAfterMs: subject.staleAfterMs,
        memberRevision: seen.member.revision,
        nowMs: subject.clock.now(),
      }),
    ),
  ];
}

function step(id: Check['id'], look: (signal: AbortSignal) => Promise<Check> | Check): Step {
  return { ids: [id], look: async (signal) => [await look(signal)] };
}

function processCheck({ config, supervisor }: DoctorSubject, { state, pid }: EtcdSeen): Check {
  if (!(state instanceof AgentError)) return judgeProcess(state, unitWords(config));
  if (!('unknown' in supervisor)) return fail('etcd.process', state.message, state.hint);
  if (pid !== undefined) return ok('etcd.process', `process ${pid} writes to the data directory`);
  return skipped('etcd.process', state.message);
}

function settingsCheck({ config }: DoctorSubject, { process: found }: EtcdSeen): Check {
  if (found === undefined) return skipped('etcd.settings', 'etcd does not run');
  if (found instanceof AgentError) return fail('etcd.settings', found.message, found.hint);
  return judgeSettings(config.etcd, found);
}

async function memberCheck(
  { config }: DoctorSubject,
  { member, users, pid }: EtcdSeen,
  signal: AbortSignal,
): Promise<Check> {
  const isDown = pid === undefined && !(users instanceof AgentError);
  if (isDown && member.problem !== undefined) return memberIsDown(await identityByLog(config.etcd, signal));
  return judgeMember(member, config.etcd.memberName, config.etcd.endpoint);
}

/** A host that lost its data has no log; what is wrong with its directories is said by their own checks. */
async function identityByLog(
  { dataDir, walDir }: DoctorSubject['config']['etcd'],
  signal: AbortSignal,
): Promise<LogIdentity | undefined> {
  try {
    return await readLogIdentity(walDir ?? join(dataDir, 'member', 'wal'), signal);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

async function certificateCheck({ config, clock }: DoctorSubject): Promise<Check> {
  const { tls } = config.etcd;
  if (tls?.certFile === undefined || tls.keyFile === undefined) {
    return skipped('etcd.certificate', 'no client certificate is configured');
  }
  const facts = await readCertificate({ caFile: tls.caFile, certFile: tls.certFile, keyFile: tls.keyFile });
  // Whether etcd takes it is for etcd's own CA of clients, which need not be ours: `etcd.member` tries it out.
  return judgeCertificate(facts, {
    id: 'etcd.certificate',
    uses: ['client'],
    chain: false,
    nowMs: clock.now(),
  });
}

async function directoryChecks({ config, agent }: DoctorSubject, { pid }: EtcdSeen): Promise<Check[]> {
  const { dataDir, walDir } = config.etcd;
  const tryOut = agent?.activeOperation === undefined;
  const facts = [
    await probeDirectory(dataDir, { kind: 'data', tryOut }),
    ...(walDir === undefined ? [] : [await probeDirectory(walDir, { kind: 'wal', tryOut })]),
  ];
  return facts.flatMap((directory) => judgeDirectory(directory, pid !== undefined));
}

async function rightsCheck({ supervisor, config }: DoctorSubject, signal: AbortSignal): Promise<Check> {
  const id = 'supervisor.rights';
  if ('unknown' in supervisor) return skipped(id, supervisor.unknown);
  try {
    await supervisor.check(signal);
    return ok(id, `${unitWords(config)} can be stopped, held and started by ${ownUser()}`);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return fail(id, error.message, error.hint);
  }
}

function sightCheck({ users, pid }: EtcdSeen): Check {
  if (users instanceof AgentError) return fail('supervisor.sight', users.message, users.hint);
  return judgeSight(users, pid, ownUser());
}

async function holdCheck({ supervisor, agent }: DoctorSubject): Promise<Check> {
  if ('unknown' in supervisor) return skipped('supervisor.hold', supervisor.unknown);
  return judgeHold(await supervisor.heldBy(), agent?.activeOperation, await supervisor.fencedBy());
}

async function spaceFacts(subject: DoctorSubject, { member }: EtcdSeen): Promise<SpaceFacts> {
  const { dataDir, walDir } = subject.config.etcd;
  const snapshotDirectory = subject.config.snapshots.directory;
  const newest = (await subject.snapshots())[0]?.sizeBytes ?? 0;
  const database = member.dbSizeBytes ?? (await sizeOf(join(dataDir, 'member', 'snap', 'db')));
  return {
    dataDir,
    snapshotDirectory,
    dataFreeBytes: await freeSpaceBytes(dataDir),
    snapshotFreeBytes: await freeSpaceBytes(snapshotDirectory),
    ...(walDir === undefined ? {} : { walDir, walFreeBytes: await freeSpaceBytes(walDir) }),
    shared: (await deviceOf(dataDir)) === (await deviceOf(snapshotDirectory)),
    databaseBytes: Math.max(newest, database),
  };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (['ENOENT', 'EACCES'].includes(systemCodeOf(error) ?? '')) return 0;
    throw error;
  }
}

/** Of the path, or of what will hold it. */
async function deviceOf(path: string): Promise<number> {
  try {
    return (await stat(path)).dev;
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT' || path === '/') throw error;
    return await deviceOf(dirname(path));
  }
}
