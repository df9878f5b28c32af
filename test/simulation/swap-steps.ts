import { CallFailed } from './accidents.ts';
import {
  requireStopped,
  stepOn,
  syncDirectories,
  type SimulatedStep,
  type StepContext,
} from './simulated-step.ts';

/** From the old data to the new, as `restore/steps/swap.ts` does. */
export function commitSteps(context: StepContext): SimulatedStep[] {
  const wal = context.machine.options.separateWal ? [setAsideWal(context), installWal(context)] : [];
  return [setAsideMember(context), ...wal, installMember(context)];
}

/** From the new data back to the old, as `restore/steps/go-back.ts` does. */
export function rollbackSteps(context: StepContext): SimulatedStep[] {
  const wal = context.machine.options.separateWal ? [withdrawWal(context), reinstateWal(context)] : [];
  return [withdrawMember(context), ...wal, reinstateMember(context)];
}

type Directories = StepContext['machine']['directories'];
type Place = Parameters<Directories['has']>[0];

interface Move {
  readonly name: string;
  readonly from: Place;
  readonly to: Place;
  readonly isDone: (directories: Directories) => boolean;
  /** Written and synced when the move is. */
  readonly mark?: Place;
}

function moving(context: StepContext, { name, from, to, isDone, mark }: Move): SimulatedStep {
  const { machine } = context;
  const { directories } = machine;
  return stepOn(context, {
    name,
    isDone: () => isDone(directories),
    *run() {
      requireStopped(machine);
      if (name === 'install-member' && directories.has('member'))
        throw new CallFailed('RESTORE_STEP_FAILED', 'a member directory appeared');
      directories.rename(from, to);
      yield;
      syncDirectories(context);
      if (mark === undefined) return;
      yield;
      directories.put(mark, 'mark');
      yield;
      syncDirectories(context);
    },
  });
}

function setAsideMember(context: StepContext): SimulatedStep {
  const isAbsent = context.machine.options.found === 'absent';
  return moving(context, {
    ...{ name: 'set-aside-member', from: 'member', to: 'member.before' },
    isDone: (names) => isAbsent || names.has('member.before'),
  });
}

function setAsideWal(context: StepContext): SimulatedStep {
  return moving(context, {
    ...{ name: 'set-aside-wal', from: 'wal', to: 'wal.before', mark: 'wal-set-aside.done' },
    isDone: (names) => names.has('wal-set-aside.done'),
  });
}

function installWal(context: StepContext): SimulatedStep {
  return moving(context, {
    ...{ name: 'install-wal', from: 'staged-wal', to: 'wal', mark: 'wal-installed.done' },
    isDone: (names) => names.has('wal-installed.done'),
  });
}

function installMember(context: StepContext): SimulatedStep {
  return moving(context, {
    ...{ name: 'install-member', from: 'staged-member', to: 'member' },
    isDone: (names) => !names.has('staged-member') && names.has('member'),
  });
}

function withdrawMember(context: StepContext): SimulatedStep {
  return moving(context, {
    ...{ name: 'withdraw-member', from: 'member', to: 'member.restored' },
    isDone: (names) =>
      names.has('member.restored') || !names.has('staged.json') || names.has('staged-member'),
  });
}

function withdrawWal(context: StepContext): SimulatedStep {
  return moving(context, {
    ...{ name: 'withdraw-wal', from: 'wal', to: 'wal.restored', mark: 'wal-withdrawn.done' },
    isDone: (names) => !names.has('wal-set-aside.done') || names.has('wal-withdrawn.done'),
  });
}

function reinstateMember(context: StepContext): SimulatedStep {
  return moving(context, {
    ...{ name: 'reinstate-member', from: 'member.before', to: 'member' },
    isDone: (names) => !names.has('member.before'),
  });
}

function reinstateWal(context: StepContext): SimulatedStep {
  return moving(context, {
    ...{ name: 'reinstate-wal', from: 'wal.before', to: 'wal' },
    isDone: (names) => !names.has('wal.before'),
  });
}
