import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';

/** How a copy was made. */
export interface CopiedDatabase {
  readonly method: Extract<SnapshotManifest['method'], 'pinned-copy' | 'plain-copy' | 'offline-copy'>;
  readonly reflinked: boolean;
  /** Why it was not pinned, when the member runs. */
  readonly note?: string;
}
