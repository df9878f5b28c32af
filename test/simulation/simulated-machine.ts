import type { WorkingPhase } from '../../src/restore/phases.ts';

type Act = (machine: SimulatedMachine) => void;

/** What a restore changes on a host: which data is in place, which etcd runs, and whether the hold is there. */
export class SimulatedMachine {
  data: 'old' | 'half' | 'new' = 'old';
  etcd: 'old' | 'new' | 'none' = 'old';
  held = false;

  /** The operating system starts again: a held etcd stays down. */
  reboot(): void {
    this.etcd = 'none';
    if (!this.held) this.startEtcd();
  }

  startEtcd(): void {
    if (this.data === 'half') throw new Error('I10: etcd started on data that is half swapped');
    this.etcd = this.data;
  }

  requireStopped(): void {
    if (this.etcd !== 'none') throw new Error(`data moved while ${this.etcd} etcd runs`);
  }
}

/** Each phase in acts that may be repeated after a crash between any two, as the real steps may. */
export const ACTS: Readonly<Record<WorkingPhase, readonly Act[]>> = {
  preparing: [idle],
  stopping: [hold, stop],
  confirming: [idle],
  committing: [takeOut('new'), putIn('new'), start],
  finishing: [start, release],
  aborting: [start, release],
  'rollback-stopping': [hold, stop],
  'rolling-back': [takeOut('old'), putIn('old'), start, release],
};

function idle(): void {
  // Looks only, or writes into the staging directory.
}

function hold(machine: SimulatedMachine): void {
  machine.held = true;
}

function stop(machine: SimulatedMachine): void {
  machine.etcd = 'none';
}

function start(machine: SimulatedMachine): void {
  if (machine.etcd === 'none') machine.startEtcd();
}

function release(machine: SimulatedMachine): void {
  machine.held = false;
}

function takeOut(target: 'old' | 'new'): Act {
  return (machine) => {
    if (machine.data === target) return;
    machine.requireStopped();
    machine.data = 'half';
  };
}

function putIn(target: 'old' | 'new'): Act {
  return (machine) => {
    if (machine.data === target) return;
    machine.requireStopped();
    machine.data = target;
  };
}
