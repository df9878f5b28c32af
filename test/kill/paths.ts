import type { LabOptions } from '../support/lab-cluster.ts';
import { KillLane, type SceneKind } from './kill-lane.ts';

/** How a restore would go without the crash. */
export type Path = 'commit' | 'rollback' | 'abort';

export const SCENE_OF: Readonly<Record<Path, SceneKind>> = {
  commit: 'lost',
  rollback: 'serving',
  abort: 'serving',
};

/** What makes a restore end in an abort once hosts have stopped: the command before the stop fails on h3. */
const preStopFails: NonNullable<LabOptions['configure']> = (config, { name }) => {
  if (name !== 'h3') return config;
  const preStop = { command: ['/bin/sh', '-c', 'sleep 1; exit 1'] };
  return { ...config, restore: { ...config['restore'], preStop } };
};

/** Where the coordinator is killed that a successor takes over from, which is killed in its turn. */
export const GONE_AT: Readonly<Record<Path, string>> = {
  commit: 'after decided/first=commit+operation/committing',
  rollback: 'after proposed/second=rollback+operation/rolling-back',
  abort: 'after proposed/first=abort+operation/aborting',
};

/** @param takeoverAfterSeconds - 0: only by command. */
export function laneOf(path: Path, directory: string, takeoverAfterSeconds = 0): KillLane {
  return new KillLane(directory, {
    kind: SCENE_OF[path],
    isRehearsed: path === 'abort',
    takeoverAfterSeconds,
    ...(path === 'abort' ? { configure: preStopFails } : {}),
  });
}

/** Where faults are brought about: quorum is lost, and h1 and h2 can be parted. */
export function faultLane(directory: string): KillLane {
  return new KillLane(directory, { kind: 'lost', isRehearsed: false, isRelayed: true });
}
