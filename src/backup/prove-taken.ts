import type { ThreadOptions } from '../base/run-in-thread.ts';
import type { BackupContext } from './backup-context.ts';
import type { OnBackupProgress } from './backup-progress.ts';
import { whileProgressing } from './progress-watch.ts';

interface Proving {
  readonly totalBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress: OnBackupProgress;
}

/**
 * Runs a proof of what was just taken as long as it moves, and says how far it is.
 *
 * @throws {AgentError} `SNAPSHOT_STALLED`, `CANCELLED`, and what the proof threw.
 */
export async function proveTaken<T>(
  { settings, clock }: Pick<BackupContext, 'settings' | 'clock'>,
  { totalBytes, signal, onProgress }: Proving,
  prove: (options: ThreadOptions) => Promise<T>,
): Promise<T> {
  onProgress({ phase: 'proving', bytes: 0, totalBytes });
  const watch = { stallMs: settings.stallMs, clock, signal, what: 'no byte of the snapshot was read back' };
  return await whileProgressing(watch, (watched, onMoved) =>
    prove({
      signal: watched,
      onBytes: (bytes) => {
        onMoved();
        onProgress({ phase: 'proving', bytes, totalBytes });
      },
    }),
  );
}
