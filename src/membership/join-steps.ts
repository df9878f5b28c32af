import { join } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { renameDurably } from '../base/durable-file.ts';
import { moveEntries } from '../base/move-entries.ts';
import { pathExists } from '../base/path-exists.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { JoinRecord } from '../formats/membership.ts';
import { processesUsing } from '../supervisor/open-files.ts';
import { hasProcess, type Supervisor } from '../supervisor/supervisor.ts';
import { settling, type ClusterDoor } from './cluster-door.ts';
import { endLeftover, runJoining, type JoinEtcdOptions } from './join-etcd.ts';
import { initialClusterOf } from './join-launch.ts';
import { localIdentity, type DataPlaces } from './local-identity.ts';
import { untilServing } from './until-serving.ts';
import { hasWalEntries, isWalEntry } from './wal-entries.ts';

/** Everything a step may use. */
export interface JoinContext {
  readonly record: () => JoinRecord;
  /** Makes what was learned durable before it is acted on. */
  readonly keep: (learned: Pick<JoinRecord, 'memberId' | 'initialCluster'>) => Promise<void>;
  readonly places: DataPlaces;
  readonly supervisor: Supervisor;
  readonly etcd: EtcdClient;
  readonly door: ClusterDoor;
  readonly joinEtcd: (signal: AbortSignal) => Promise<JoinEtcdOptions>;
  readonly clock: Clock;
  /** Says what is waited for. */
  readonly say: (words: string) => void;
}

/** One change on the way to membership. Both methods may be called again after a crash inside them. */
export interface JoinStep {
  readonly name: string;
  /** Looks only: is the effect of `run` there? */
  isDone(signal: AbortSignal): Promise<boolean>;
  run(signal: AbortSignal): Promise<void>;
}

const AGAIN_MS = 500;

/** From whatever is here to a voting member that serves, in order. */
export function joinSteps(context: JoinContext): JoinStep[] {
  return [
    fence(context),
    stop(context),
    setAside(context),
    removeEntries(context),
    addMember(context),
    joinOnce(context),
    start(context),
    promote(context),
    verify(context),
    release(context),
  ];
}

/** Nobody starts etcd on an empty directory from here on. The fence that was there before is taken over. */
function fence({ supervisor, record, clock }: JoinContext): JoinStep {
  const { id } = record().plan;
  return {
    name: 'fence',
    isDone: async () => (await supervisor.fencedBy())?.by === id,
    run: (signal) => supervisor.fence({ by: id, since: new Date(clock.now()).toISOString() }, signal),
  };
}

function stop({ supervisor, places, record, clock }: JoinContext): JoinStep {
  return {
    name: 'stop',
    isDone: async (signal) =>
      (await processesUsing(directoriesOf(places))).length === 0 &&
      !hasProcess(await supervisor.state(signal)),
    run: async (signal) => {
      await endLeftover(record().plan.id, directoriesOf(places), clock, signal);
      await supervisor.stop(signal);
    },
  };
}

/** The old data is renamed, never removed. */
function setAside(context: JoinContext): JoinStep {
  const { places, record } = context;
  const member = join(places.dataDir, 'member');
  const { setAside: moves } = record().plan;
  const isDone = async (): Promise<boolean> =>
    !(await pathExists(member)) && (places.walDir === undefined || !(await hasWalEntries(places.walDir)));
  return {
    name: 'set-aside',
    isDone,
    run: async (signal) => {
      await requireStopped(context, signal);
      for (const { from, to } of moves) {
        if (from === places.walDir) await moveEntries(from, to, isWalEntry);
        else if (await pathExists(from)) await renameDurably(from, to);
      }
    },
  };
}

function removeEntries({ door, record }: JoinContext): JoinStep {
  const { remove } = record().plan.decided;
  return {
    name: 'remove-members',
    isDone: async (signal) => {
      if (remove.length === 0) return true;
      const members = await door.members(signal);
      return !members.some(({ id }) => remove.some((gone) => gone.id === id));
    },
    run: async (signal) => {
      for (const { id } of remove) await door.remove(id, signal);
    },
  };
}

/** An entry that was added before a crash has our peer URLs and no name: it is taken, or there would be two. */
function addMember(context: JoinContext): JoinStep {
  const { record, keep, clock } = context;
  return {
    name: 'add-member',
    isDone: () => Promise.resolve(record().memberId !== undefined),
    run: async (signal) => {
      const { memberId, members } = await settling(() => findOrAdd(context, signal), clock, signal);
      const name = record().plan.decided.memberName;
      await keep({ memberId, initialCluster: initialClusterOf(members, { memberId, name }) });
    },
  };
}

async function findOrAdd({ door, record, say }: JoinContext, signal: AbortSignal) {
  const { peerUrls, asLearner } = record().plan.decided;
  const members = await door.members(signal);
  const isOurs = (urls: readonly string[]): boolean => urls.some((url) => peerUrls.includes(url));
  const own = members.find((member) => member.name === '' && isOurs(member.peerUrls));
  if (own !== undefined) return { memberId: own.id, members };
  say(`adding this host as a ${asLearner ? 'learner' : 'voting member'}`);
  return await door.add({ peerUrls, isLearner: asLearner }, signal);
}

/** Until the member has its log and hears a leader, etcd is run by the agent, told of the cluster. */
function joinOnce(context: JoinContext): JoinStep {
  const { places, record, joinEtcd, clock, etcd, say } = context;
  let joined = false;
  return {
    name: 'join',
    isDone: async (signal) => joined && (await isOwn(context, signal)),
    run: async (signal) => {
      await endLeftover(record().plan.id, directoriesOf(places), clock, signal);
      await requireStopped(context, signal);
      await refuseOtherData(context, signal);
      say('etcd is started once to join');
      await runJoining(
        { id: record().plan.id, initialCluster: record().initialCluster ?? '' },
        await joinEtcd(signal),
        (limited) => untilServing({ etcd, clock, expected: expectedIdentity(record()), say }, limited),
        signal,
      );
      joined = true;
    },
  };
}

/** With its log, etcd is started as it always is. The fence is back afterwards, until all is seen to be well. */
function start(context: JoinContext): JoinStep {
  const { supervisor, etcd, clock, record, say } = context;
  return {
    name: 'start',
    isDone: async (signal) => hasProcess(await supervisor.state(signal)),
    run: async (signal) => {
      if (!(await isOwn(context, signal)))
        throw new AgentError(
          'JOIN_FAILED',
          `${context.places.dataDir} has no log of member ${record().memberId ?? ''}`,
        );
      await supervisor.start(signal);
      await untilServing({ etcd, clock, expected: expectedIdentity(record()), say }, signal);
    },
  };
}

function promote({ door, record, clock, say }: JoinContext): JoinStep {
  const isVoter = async (signal: AbortSignal): Promise<boolean> => {
    const own = (await door.members(signal)).find(({ id }) => id === record().memberId);
    return own !== undefined && own.isLearner !== true;
  };
  return {
    name: 'promote',
    isDone: isVoter,
    run: async (signal) => {
      for (;;) {
        try {
          await door.promote(record().memberId ?? '', signal);
          return;
        } catch (error) {
          if (!(error instanceof AgentError) || !error.retryable || error.code === 'CANCELLED') throw error;
          say(`waiting to be promoted: ${error.message}`);
          await clock.sleep(AGAIN_MS, signal);
        }
      }
    },
  };
}

/** A voting member that hears a leader and answers a read that needs quorum. */
function verify({ supervisor, etcd, clock, record, say }: JoinContext): JoinStep {
  let verified = false;
  return {
    name: 'verify',
    isDone: async (signal) => verified && hasProcess(await supervisor.state(signal)),
    run: async (signal) => {
      // An agent that was away for a reboot finds it held down.
      if (!hasProcess(await supervisor.state(signal))) await supervisor.start(signal);
      await untilServing({ etcd, clock, expected: expectedIdentity(record()), asVoter: true, say }, signal);
      verified = true;
    },
  };
}

function release({ supervisor }: JoinContext): JoinStep {
  return {
    name: 'lift-fence',
    isDone: async () => (await supervisor.fencedBy()) === undefined,
    run: (signal) => supervisor.liftFence(signal),
  };
}

async function requireStopped({ places, supervisor }: JoinContext, signal: AbortSignal): Promise<void> {
  const writers = (await processesUsing(directoriesOf(places))).filter(({ writing }) => writing);
  if (writers.length === 0 && !hasProcess(await supervisor.state(signal))) return;
  const pids = writers.map(({ pid }) => `${pid}`);
  throw new AgentError(
    'ETCD_STILL_RUNNING',
    `etcd runs on this host: ${pids.join(', ') || 'its supervisor says so'}`,
    {
      details: { pids },
    },
  );
}

/** What a join that went wrong left must not be started as if it were this member's. */
async function refuseOtherData({ places, record }: JoinContext, signal: AbortSignal): Promise<void> {
  const found = await localIdentity(places, signal);
  const { clusterId, memberId } = expectedIdentity(record());
  if (found === undefined || (found.clusterId === clusterId && found.memberId === memberId)) return;
  throw new AgentError(
    'JOIN_FAILED',
    `${join(places.dataDir, 'member')} is of member ${found.memberId} of cluster ${found.clusterId}, and not of ${memberId} of ${clusterId}: move it away`,
  );
}

async function isOwn({ places, record }: JoinContext, signal: AbortSignal): Promise<boolean> {
  const found = await localIdentity(places, signal);
  const { clusterId, memberId } = expectedIdentity(record());
  return found?.clusterId === clusterId && found.memberId === memberId;
}

function expectedIdentity({ plan, memberId = '' }: JoinRecord) {
  return { clusterId: plan.decided.clusterId, memberId };
}

function directoriesOf({ dataDir, walDir }: DataPlaces): string[] {
  return walDir === undefined ? [dataDir] : [dataDir, walDir];
}
