import type { AuditState } from '../audit/audit-log.ts';
import type { AuditCounts } from '../audit/audit-tally.ts';
import type { FileSystemSpace } from '../base/free-space.ts';
import type { AgentStatus, Check } from '../formats/control.ts';
import type { OperationView } from '../formats/operation-view.ts';
import type { CertificateExpiry } from './certificate-expiry.ts';

/** What is watched beside `lifeboat status`. */
export interface MonitorFacts {
  readonly operation: OperationView | undefined;
  readonly audit: { readonly counts: AuditCounts; readonly state: AuditState };
  readonly certificates: readonly CertificateExpiry[];
  /** By what the agent keeps there. */
  readonly fileSystems: Readonly<Record<string, FileSystemSpace>>;
  readonly failedProofs: { readonly new: number; readonly stored: number };
  readonly staleAfterSeconds: number | undefined;
  readonly drillStaleAfterSeconds: number | undefined;
}

/** The agent's own look at whether all is well. Each look is bounded in time and costs little, however often it is asked for. */
export interface Monitor {
  facts(): Promise<MonitorFacts>;
  checks(status: Pick<AgentStatus, 'peers' | 'snapshots' | 'etcd' | 'fence'>): Promise<Check[]>;
  /** Ends the programs that a look has started. */
  close(): void;
}

/** The listener as `lifeboat status` shows it: absent when it is switched off. */
export interface ListenerState {
  readonly listen: string;
  /** Why it does not listen now. */
  problem?: string;
}
