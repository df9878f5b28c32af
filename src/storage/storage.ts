import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';

/**
 * Where snapshots rest. A stored file never changes: there is no overwrite and no append, so a reader needs no
 * lock. Only its manifest is replaced, as a whole, when something more is proved of the file.
 *
 * Every implementation passes test/contract/storage-contract.ts.
 */
export interface Storage {
  /** The directory whose file system the files are on: what free space is measured of. */
  readonly directory: string;

  /** Makes room for one new file. Until `publish` nothing of it is listed, whatever happens. */
  begin(): Promise<StorageDraft>;

  /** Every stored snapshot, in no order. One whose manifest cannot be read is reported as such, not hidden. */
  list(): Promise<StoredEntry[]>;

  /** The entry of `id`, or `undefined` when there is none. */
  read(id: string): Promise<StoredEntry | undefined>;

  /**
   * Replaces the manifest of a stored snapshot, durably, whole or not at all.
   *
   * @throws {AgentError} `STORAGE_ABSENT`.
   */
  replaceManifest(manifest: SnapshotManifest): Promise<void>;

  /**
   * Path of the file of `id`, for readers only; whether it is there is not checked.
   *
   * @throws {AgentError} `STORAGE_ABSENT` for a word that is no snapshot ID.
   */
  pathOf(id: string): string;

  /**
   * Where a download of `id` collects its bytes. The file survives a restart for a day, so that the download can
   * be resumed. It is not created here; hand it to `StorageDraft.take` when it is complete.
   *
   * @throws {AgentError} `STORAGE_ABSENT` for a word that is no snapshot ID.
   */
  incomingPath(id: string): string;

  /** Resolves when `id` is durably gone, also if it never was there. A crash never leaves half of it listed. */
  remove(id: string): Promise<void>;

  /** Lets another process open it. */
  close(): Promise<void>;
}

/** A file that is being written, and is no snapshot yet. */
export interface StorageDraft {
  /** Absent; to be created by the caller, with everything synced before `publish`. */
  readonly path: string;

  /** Moves a complete file of the same file system to `path`, and syncs it. */
  take(file: string): Promise<void>;

  /**
   * Makes the file a stored snapshot under `manifest.id`: manifest and file appear together, durably.
   *
   * @throws {AgentError} `STORAGE_TAKEN` when the ID is stored already; the draft is still there then.
   */
  publish(manifest: SnapshotManifest): Promise<void>;

  /** Removes what was written. Does nothing after `publish`. */
  discard(): Promise<void>;
}

export type StoredEntry = SoundEntry | DamagedEntry;

export interface SoundEntry {
  readonly state: 'sound';
  readonly id: string;
  readonly manifest: SnapshotManifest;
}

/** Its manifest cannot be trusted, so nothing may be restored from it. `remove` works. */
export interface DamagedEntry {
  readonly state: 'damaged';
  readonly id: string;
  readonly problem: string;
}
