import type { OnBytes } from '../base/hash-file.ts';
import type { OpenSnapshot } from './look-into.ts';
import type { Session } from './session.ts';

export interface Reading {
  readonly onBytes: OnBytes;
  /** Before anything else is shown. */
  readonly onRead: () => void;
}

/** Shows how much of a snapshot was read: large ones take a while before their first key. */
export function showReading(session: Session, { name, file }: OpenSnapshot): Reading {
  const display = session.openProgress();
  return {
    onBytes: (bytes) => display?.show({ phase: `reading ${name}`, bytes, totalBytes: file.sizeBytes }),
    onRead: () => display?.clear(),
  };
}
