export type BackupPhase = 'connecting' | 'streaming' | 'copying' | 'proving' | 'publishing';

/** How far a snapshot is; `bytes` are those of the phase. */
export interface BackupProgress {
  readonly phase: BackupPhase;
  readonly bytes: number;
  /** An estimate while it streams: the member's database may grow. */
  readonly totalBytes?: number;
}

export type OnBackupProgress = (progress: BackupProgress) => void;
