import { CallFailed } from './accidents.ts';
import type { SnapshotPlace } from './prepare-steps.ts';
import type { Rules } from './rules.ts';
import type { SimulatedMachine } from './simulated-machine.ts';

/** What a host does bit by bit: between any two of them the agent may be killed, or the power be cut. */
export type Acts = Generator<undefined, void, undefined>;

export interface Signal {
  aborted: boolean;
}

/** As `restore/steps/step.ts`, in virtual time. */
export interface SimulatedStep {
  readonly name: string;
  isDone(): boolean;
  run(signal: Signal): Acts;
  /** Makes durable what `isDone` found: whoever did it may not have got to its sync. */
  seal(): void;
  readonly askAgain: boolean;
}

/** What the rules say of steps is not so in some planted faults. */
export interface StepContext extends Rules {
  readonly machine: SimulatedMachine;
  readonly place: SnapshotPlace;
}

type StepBody = Omit<SimulatedStep, 'seal' | 'askAgain'> & { readonly askAgain?: boolean };

export function stepOn(context: StepContext, body: StepBody): SimulatedStep {
  return {
    askAgain: false,
    ...body,
    seal: () => {
      if (context.sealsFoundSteps) syncDirectories(context);
    },
  };
}

export function syncDirectories({ machine, syncsDirectories }: StepContext): void {
  if (syncsDirectories) machine.directories.sync();
}

export function requireStopped({ etcd }: SimulatedMachine): void {
  if (etcd !== undefined) throw new CallFailed('ETCD_STILL_RUNNING', 'etcd runs');
}

/** How a step is brought to done: intent, effect, proof, outcome, as `completeStep` does. */
export function* completeStep(
  step: SimulatedStep,
  record: (step: string, outcome: 'started' | 'done' | 'failed') => void,
  signal: Signal,
): Acts {
  if (signal.aborted) throw new CallFailed('CANCELLED', step.name);
  if (step.isDone()) {
    step.seal();
    record(step.name, 'done');
    return;
  }
  record(step.name, 'started');
  yield;
  try {
    yield* step.run(signal);
    if (!step.isDone()) throw new CallFailed('RESTORE_STEP_FAILED', `${step.name} had no effect`);
  } catch (error) {
    if (error instanceof CallFailed) record(step.name, 'failed');
    throw error;
  }
  yield;
  record(step.name, 'done');
}
