import type { ChangePlace } from './keyspace-entries.ts';

/** A key as it was at some revision, without its value: `readChange` reads that. */
export interface LiveKey extends ChangePlace {
  readonly key: Buffer;
  readonly createRevision: number;
  /** How often it was written since it was created. */
  readonly version: number;
  /** 0 without one. */
  readonly lease: bigint;
  readonly valueSizeBytes: number;
  /** SHA-256 of the value as Latin-1 text; empty when it was not asked for. */
  readonly valueHash: string;
}

/** What is kept of a key until all changes were seen. */
export interface KeyState extends ChangePlace {
  /** Latin-1 text: as an index it takes less than bytes, and sorts as they do. */
  readonly key: string;
  /** The last change deleted it. */
  readonly isDeleted: boolean;
  readonly createRevision: number;
  readonly version: number;
  readonly lease: bigint;
  readonly valueSizeBytes: number;
  readonly valueHash: string;
}

export function liveKeyOf({ key, isDeleted: _, ...rest }: KeyState): LiveKey {
  return { key: Buffer.from(key, 'latin1'), ...rest };
}
