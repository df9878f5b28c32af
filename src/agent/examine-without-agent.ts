import { dirname, join } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';
import { systemClock } from '../base/clock.ts';
import { readTextIfPresent } from '../base/durable-file.ts';
import { namesIn } from '../base/names-in.ts';
import { pathExists } from '../base/path-exists.ts';
import { readRelease } from '../base/release.ts';
import type { Config } from '../config/config-schema.ts';
import { examineHost } from '../doctor/examine-host.ts';
import type { DoctorSubject } from '../doctor/subject.ts';
import { connectEtcd } from '../etcd/client.ts';
import type { HostReport } from '../formats/doctor-report.ts';
import { isSnapshotId, parseManifest, type SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { Log } from '../observe/log.ts';
import { longestWaitOf } from '../schedule/cron-ticker.ts';
import { compareNewest } from '../snapshot/newest-first.ts';
import { openSupervisor } from '../supervisor/open-supervisor.ts';
import { StartPermit } from '../supervisor/start-permit.ts';
import { configReaders } from './config-readers.ts';
import { etcdOptions, supervisorOptions } from './room-options.ts';
import { staleAfterSeconds } from './stale-snapshot.ts';

export interface LookWithoutAgent {
  readonly config: Config;
  readonly configFile: string;
  /** PATH. */
  readonly searchPath: string;
  /** Why the agent did not answer. */
  readonly agentProblem: string;
}

/** What can be seen of a host whose agent does not answer, by whoever looks. Changes nothing, and starts nothing. */
export async function examineWithoutAgent(
  { config, configFile, searchPath, agentProblem }: LookWithoutAgent,
  signal: AbortSignal,
): Promise<HostReport> {
  const etcd = connectEtcd(etcdOptions(config));
  try {
    return await examineHost(
      {
        config,
        configFile,
        ...configReaders(configFile),
        release: readRelease(),
        searchPath,
        clock: systemClock,
        etcd,
        supervisor: await supervisorToAsk(config, signal),
        snapshots: () => storedSnapshots(config.snapshots.directory),
        staleAfterMs: staleAfterMs(config),
        agentProblem,
      },
      signal,
    );
  } finally {
    etcd.close();
  }
}

function staleAfterMs(config: Config): number | undefined {
  const { schedule } = config.snapshots;
  const longestWaitMs =
    schedule === undefined
      ? undefined
      : longestWaitOf(schedule.cron, schedule.timeZone) + schedule.jitterSeconds * 1000;
  const seconds = staleAfterSeconds(config, longestWaitMs === undefined ? undefined : { longestWaitMs });
  return seconds === undefined ? undefined : seconds * 1000;
}

/** Opening some supervisors does something: runs etcd, withdraws a permit. Those are not opened. */
async function supervisorToAsk(config: Config, signal: AbortSignal): Promise<DoctorSubject['supervisor']> {
  const { kind } = config.supervisor;
  if (kind === 'process') return { unknown: 'the agent itself runs etcd, and it does not answer' };
  const hold = join(config.agent.stateDir, 'hold');
  try {
    const { path: permit } = new StartPermit(dirname(config.agent.controlSocket));
    if (await pathExists(permit)) {
      return { unknown: `an agent ended in the middle of a start: ${permit} is there for the next one` };
    }
    if (kind === 'command' && (await pathExists(hold))) {
      return { unknown: `${hold} is in force, and asking would run its command again` };
    }
    const options = supervisorOptions(config, () => Promise.resolve(undefined));
    return await openSupervisor(options, { clock: systemClock, log: NO_LOG }, signal);
  } catch (error) {
    if (systemCodeOf(error) !== 'EACCES') throw error;
    return { unknown: `the state directory ${config.agent.stateDir} is closed to this user` };
  }
}

/** Read as they lie there: opening the storage would sweep it. */
async function storedSnapshots(directory: string): Promise<SnapshotManifest[]> {
  const found: SnapshotManifest[] = [];
  for (const name of (await namesIn(directory)).filter(isSnapshotId)) {
    const text = await readTextIfPresent(join(directory, name, 'manifest.json'));
    const parsed = text === undefined ? undefined : parseManifest(text);
    if (parsed?.ok === true && parsed.manifest.id === name) found.push(parsed.manifest);
  }
  return found.sort(compareNewest);
}

/** Nothing that is looked at here has anything to log. */
const NO_LOG: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => NO_LOG,
};
