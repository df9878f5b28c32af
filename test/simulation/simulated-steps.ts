import type { WorkingPhase } from '../../src/restore/phases.ts';
import { CallFailed } from './accidents.ts';
import {
  requireStopped,
  stepOn,
  syncDirectories,
  type Acts,
  type Signal,
  type SimulatedStep,
  type StepContext,
} from './simulated-step.ts';
import type { SimulatedMachine } from './simulated-machine.ts';
import { prepareSteps } from './prepare-steps.ts';
import { commitSteps, rollbackSteps } from './swap-steps.ts';

/** The steps of a phase on one host: the names, the order and the looks of `restore/steps/`. */
export function stepsOf(phase: WorkingPhase, context: StepContext): SimulatedStep[] {
  switch (phase) {
    case 'preparing':
      return prepareSteps(context);
    case 'stopping':
    case 'rollback-stopping':
      return [hold(context), stop(context)];
    case 'confirming':
      return [seeStopped(context)];
    case 'committing': {
      const swap = commitSteps(context);
      return context.startsWholeDataOnly ? [...swap, start(context)] : startEarly(swap, start(context));
    }
    case 'finishing':
      return [start(context), release(context), removeStaging(context)];
    case 'aborting':
      return [finishStop(context), ...letGo(context), removeStaging(context)];
    case 'rolling-back':
      return [...rollbackSteps(context), ...letGo(context), removeStaging(context)];
  }
}

/** A planted fault: as soon as the member directory is there, whatever is with the WAL. */
function startEarly(swap: readonly SimulatedStep[], early: SimulatedStep): SimulatedStep[] {
  const member = swap.filter(({ name }) => name.endsWith('-member'));
  return [...member, early, ...swap.filter((step) => !member.includes(step))];
}

function letGo(context: StepContext): SimulatedStep[] {
  switch (context.machine.options.found) {
    case 'running':
      return [start(context), release(context)];
    case 'restarting':
      return [release(context), startAgain(context)];
    case 'stopped':
    case 'absent':
      return [release(context)];
  }
}

function hold(context: StepContext): SimulatedStep {
  const { directories } = context.machine;
  return stepOn(context, {
    name: 'hold',
    askAgain: true,
    isDone: () => context.machine.isHeld,
    *run() {
      directories.put('hold', 'mark');
      yield;
      directories.sync();
    },
  });
}

function stop(context: StepContext): SimulatedStep {
  const { machine } = context;
  return stepOn(context, {
    name: 'stop',
    askAgain: true,
    isDone: () => machine.etcd === undefined,
    run: (signal) => shutDown(machine, signal),
  });
}

function finishStop(context: StepContext): SimulatedStep {
  const { machine } = context;
  return stepOn(context, {
    name: 'finish-stop',
    isDone: () => !machine.isHeld || machine.etcd === undefined,
    run: (signal) => shutDown(machine, signal),
  });
}

function* shutDown(machine: SimulatedMachine, signal: Signal): Acts {
  for (let waits = 0; machine.etcd !== undefined; waits += 1) {
    machine.etcd.stopping = true;
    yield;
    if (signal.aborted) throw new CallFailed('CANCELLED', 'stop');
    if (waits > 0) machine.etcd = undefined;
  }
}

function seeStopped(context: StepContext): SimulatedStep {
  const { machine } = context;
  let seen = false;
  return stepOn(context, {
    name: 'see-stopped',
    askAgain: true,
    isDone: () => seen,
    *run() {
      yield;
      requireStopped(machine);
      if (!machine.isHeld) throw new CallFailed('RESTORE_STEP_FAILED', 'the hold on etcd is gone');
      seen = true;
    },
  });
}

/** Under the hold, which stays: what permits this start is not on the disk. */
function start(context: StepContext): SimulatedStep {
  const { machine, startsWholeDataOnly } = context;
  const { directories } = machine;
  return stepOn(context, {
    name: 'start',
    askAgain: true,
    isDone: () => machine.etcd !== undefined,
    *run() {
      if (startsWholeDataOnly && !directories.has('member'))
        throw new CallFailed('RESTORE_STEP_FAILED', 'the member directory is not whole');
      yield;
      if (machine.startFails) throw new CallFailed('ETCD_START_FAILED', 'etcd did not start');
      if (machine.etcd === undefined) machine.startEtcd();
      yield;
    },
  });
}

function startAgain(context: StepContext): SimulatedStep {
  let tried = false;
  return stepOn(context, {
    name: 'start-again',
    isDone: () => tried,
    *run() {
      yield;
      tried = true;
      if (context.machine.directories.has('member')) context.machine.superviseEtcd();
    },
  });
}

function release(context: StepContext): SimulatedStep {
  const { directories } = context.machine;
  return stepOn(context, {
    name: 'release-hold',
    isDone: () => !context.machine.isHeld,
    *run() {
      directories.remove('hold');
      yield;
      directories.sync();
    },
  });
}

const STAGING = [
  'staged-member',
  'staged-wal',
  'staged.json',
  'wal-set-aside.done',
  'wal-installed.done',
  'wal-withdrawn.done',
] as const;

function removeStaging(context: StepContext): SimulatedStep {
  const { directories } = context.machine;
  return stepOn(context, {
    name: 'remove-staging',
    isDone: () => !STAGING.some((place) => directories.has(place)),
    *run() {
      directories.remove(...STAGING);
      yield;
      syncDirectories(context);
    },
  });
}
