import { execa } from 'execa';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabHost } from '../support/lab-cluster.ts';
import type { LaneScene } from './kill-lane.ts';
import type { Relay } from './relay.ts';
import { fill, makeRoom } from '../support/small-disk.ts';
import { until } from './until.ts';

export interface FaultScene {
  readonly scene: LaneScene;
  readonly victim: LabHost;
  /** Between h1 and h2, both ways. */
  readonly relays: readonly Relay[];
}

export interface Fault {
  /** Whose agent stands still at the point while the fault is brought about. */
  readonly victim: 'h1' | 'h2';
  readonly points: readonly string[];
  /** A directory of the victim that is a small file system of its own. */
  readonly smallDisk?: { readonly directory: 'state' | 'etcd'; readonly sizeMiB: number };
  /** Words before the victim's command line. */
  readonly launcher?: (host: LabHost) => readonly string[];
  readonly env?: (host: LabHost) => readonly string[];
  /** The victim goes on only when the others are done with it. */
  readonly staysFrozen?: boolean;
  /** It is mended only when the others have come to an end without the victim, by what their status printed. */
  readonly isForGood?: boolean;
  readonly bring: (at: FaultScene) => Promise<void>;
  readonly mend: (at: FaultScene) => Promise<void>;
}

/** In each phase once, where a host has most to lose. */
const PARTICIPANT_POINTS = [
  'after opened',
  'before preparing/fetch-snapshot/done',
  'before phase/prepared',
  'after phase/stopping',
  'before stopping/stop/done',
  'before phase/confirmed',
  'before vote/first=commit',
  'after vote/first=commit',
  'before decided/first=commit+phase/committing',
  'after committing/set-aside-member/started',
  'before committing/install-member/done',
  'after committing/start/started',
  'after phase/started',
  'before vote/second=accepted',
  'before decided/second=accepted+phase/finishing',
  'before finishing/release-hold/done',
  'before phase/finished',
];
const COORDINATOR_POINTS = [
  'after opened',
  'after operation/prepared',
  'after operation/stopping',
  'after operation/stopped',
  'before proposed/first=commit',
  'after proposed/first=commit',
  'before decided/first=commit+operation/committing',
  'after decided/first=commit+operation/committing',
  'after operation/verifying',
  'before proposed/second=accepted',
  'before decided/second=accepted+operation/accepted',
  'after decided/second=accepted+operation/accepted',
  'before operation/finished',
];

/** Where the others can, or cannot, go on without it. */
const PARTICIPANT_LOST = [
  'before phase/prepared',
  'before stopping/stop/done',
  'before vote/first=commit',
  'after committing/set-aside-member/started',
  'before vote/second=accepted',
];
const COORDINATOR_LOST = [
  'after operation/stopping',
  'after proposed/first=commit',
  'after decided/first=commit+operation/committing',
  'after operation/verifying',
  'after decided/second=accepted+operation/accepted',
];

const clockFile = (host: LabHost): string => join(host.directory, 'clock');
const LIBFAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';

function clockJump(by: string): Fault {
  return {
    victim: 'h2',
    points: PARTICIPANT_POINTS,
    env: (host) => [
      `LD_PRELOAD=${LIBFAKETIME}`,
      `FAKETIME_TIMESTAMP_FILE=${clockFile(host)}`,
      'FAKETIME_NO_CACHE=1',
      'FAKETIME_DONT_FAKE_MONOTONIC=1',
    ],
    bring: ({ victim }) => writeFile(clockFile(victim), by),
    mend: () => Promise.resolve(),
  };
}

/** Every sync of this kind fails from now on. */
const endTracing = new Map<string, () => Promise<void>>();
function failingSyncs(calls: string, victim: Fault['victim'], points: readonly string[]): Fault {
  return {
    victim,
    points,
    bring: async ({ scene, victim: host }) => {
      const pid = scene.lab.agentPid(host);
      const log = join(host.directory, 'strace.log');
      const tracer = execa('strace', ['-f', '-o', log, '-p', `${pid}`, '-e', `inject=${calls}:error=EIO`], {
        reject: false,
      });
      endTracing.set(host.directory, async () => {
        tracer.kill('SIGINT');
        await tracer;
      });
      await until('strace is there', async () =>
        (await execa('cat', [`/proc/${pid}/status`])).stdout.includes(`TracerPid:\t${tracer.pid ?? 0}`),
      );
    },
    mend: async ({ victim: host }) => {
      await endTracing.get(host.directory)?.();
    },
  };
}

function fullDisk(directory: 'state' | 'etcd', sizeMiB: number): Fault {
  return {
    victim: 'h2',
    points: PARTICIPANT_POINTS,
    smallDisk: { directory, sizeMiB },
    bring: ({ victim }) => fill(join(victim.directory, directory)),
    mend: ({ victim }) => makeRoom(join(victim.directory, directory)),
  };
}

const nothing = (): Promise<void> => Promise.resolve();

const apart: Fault = {
  victim: 'h2',
  points: PARTICIPANT_POINTS,
  bring: async ({ relays }) => {
    for (const relay of relays) relay.silence();
    await nothing();
  },
  mend: async ({ relays }) => {
    for (const relay of relays) relay.mend();
    await nothing();
  },
};

export const FAULTS = {
  'participant frozen': {
    victim: 'h2',
    points: PARTICIPANT_POINTS,
    staysFrozen: true,
    bring: nothing,
    mend: nothing,
  },
  'coordinator frozen': {
    victim: 'h1',
    points: COORDINATOR_POINTS,
    staysFrozen: true,
    bring: ({ scene }) => takeOverAt(scene),
    mend: nothing,
  },
  'participant frozen for good': {
    victim: 'h2',
    points: PARTICIPANT_LOST,
    ...{ staysFrozen: true, isForGood: true },
    ...{ bring: nothing, mend: nothing },
  },
  'coordinator frozen for good': {
    victim: 'h1',
    points: COORDINATOR_LOST,
    ...{ staysFrozen: true, isForGood: true },
    ...{ bring: nothing, mend: nothing },
  },
  'h1 and h2 apart': apart,
  'h1 and h2 apart for good': { ...apart, points: PARTICIPANT_LOST, isForGood: true },
  'transfer stalls': {
    victim: 'h2',
    points: ['after preparing/fetch-snapshot/started'],
    bring: async ({ relays }) => {
      for (const relay of relays) relay.silence(16_384);
      await nothing();
    },
    mend: async ({ relays }) => {
      for (const relay of relays) relay.mend();
      await nothing();
    },
  },
  'state dir full': fullDisk('state', 24),
  'data dir full': fullDisk('etcd', 400),
  'journal not synced': failingSyncs('fdatasync', 'h2', PARTICIPANT_POINTS),
  'journal of h1 not synced': failingSyncs('fdatasync', 'h1', COORDINATOR_POINTS),
  'nothing synced': failingSyncs('fsync', 'h2', PARTICIPANT_POINTS),
  'nothing written': failingSyncs('pwrite64', 'h2', PARTICIPANT_POINTS),
  'clock an hour ahead': clockJump('+3600'),
  'clock an hour back': clockJump('-3600'),
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** As soon as h2 knows of the operation, and it is not over. */
async function takeOverAt({ lab, hosts: [, h2] }: LaneScene): Promise<void> {
  const { operations } = await lab.ask(h2, 'restore.status', {});
  const open = operations.find(({ endedAt }) => endedAt === undefined);
  if (open === undefined) return;
  lab
    .ask(h2, 'restore.takeover', { operation: open.operation, requestedBy: 'test' })
    // It follows the operation to its end, which may need another command: the agents are asked instead.
    .catch(() => undefined);
}
