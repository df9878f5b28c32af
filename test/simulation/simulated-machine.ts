import type { FoundState } from '../../src/formats/restore-plan.ts';
import { Breach } from './accidents.ts';
import { SimulatedDirectories } from './simulated-directories.ts';
import type { SimulatedSnapshots } from './simulated-snapshots.ts';
import type { Grade } from '../../src/formats/snapshot-manifest.ts';

export type DataSet = 'old' | 'new';

interface RunningEtcd {
  readonly data: DataSet;
  /** It was asked to stop, and shuts down. */
  stopping: boolean;
}

export interface MachineOptions {
  readonly host: string;
  readonly found: FoundState;
  /** Where the WAL has a directory of its own, a swap has two halves. */
  readonly separateWal: boolean;
  readonly snapshots: SimulatedSnapshots;
}

/** What a restore changes on a host: which data lies where, which etcd runs on it, and whether the hold is there. */
export class SimulatedMachine {
  readonly options: MachineOptions;
  readonly directories: SimulatedDirectories;
  etcd: RunningEtcd | undefined;
  isOn = true;
  /** The next start of etcd does not go well. */
  startFails = false;
  /** What the staged data, and the new member directory that comes of them, were made of. */
  built: { readonly sha256: string; readonly grade: Grade } | undefined;
  /** It was here that clients wrote to the new cluster, or it caught up with them. */
  hasWrites = false;

  constructor(options: MachineOptions) {
    this.options = options;
    this.directories = new SimulatedDirectories(options.host);
    if (options.found !== 'absent') {
      this.directories.put('member', 'old');
      if (options.separateWal) this.directories.put('wal', 'old');
    }
    this.directories.sync();
    if (options.found === 'running') this.etcd = { data: 'old', stopping: false };
  }

  get snapshots(): SimulatedSnapshots {
    return this.options.snapshots;
  }

  get isHeld(): boolean {
    return this.directories.has('hold');
  }

  /** Which data etcd would start on, in words where it is none. */
  get data(): DataSet | 'nothing' | 'half' {
    const member = this.directories.get('member');
    const wal = this.options.separateWal ? this.directories.get('wal') : member;
    if (member === undefined && wal === undefined) return 'nothing';
    if (member !== wal) return 'half';
    return member === 'old' ? 'old' : 'new';
  }

  /** A process of etcd begins, whoever starts it. */
  startEtcd(): void {
    const { data } = this;
    if (data === 'nothing' || data === 'half')
      throw new Breach(`I10: etcd is started on ${this.options.host} with ${data} in its data directory`);
    this.etcd = { data, stopping: false };
  }

  /** The service manager starts etcd when the machine boots, and again when it died; not against the hold. */
  superviseEtcd(): void {
    const { found } = this.options;
    const isEnabled = found === 'running' || found === 'restarting' || this.data === 'new';
    if (!this.isOn || this.etcd !== undefined || this.directories.has('hold') || !isEnabled) return;
    if (this.data !== 'nothing') this.startEtcd();
  }

  powerCut(part: number): void {
    this.directories.powerCut(part);
    this.etcd = undefined;
    this.isOn = false;
  }

  /** @param without - etcd. */
  boot(without: boolean): void {
    this.isOn = true;
    if (!without) this.superviseEtcd();
  }

  /** A new machine under the old name. */
  reimage(): void {
    this.directories.erase();
    this.snapshots.erase();
    this.built = undefined;
    this.etcd = undefined;
    this.hasWrites = false;
  }
}
