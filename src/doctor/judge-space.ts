import { formatBytes } from '../base/units.ts';
import { fail, ok, warn, type Check } from './check.ts';

/** What a restore of this host's own size needs, and what there is. */
export interface SpaceFacts {
  readonly dataDir: string;
  readonly dataFreeBytes: number;
  readonly snapshotDirectory: string;
  readonly snapshotFreeBytes: number;
  readonly walDir?: string;
  readonly walFreeBytes?: number;
  /** Data and snapshots share one file system, so their needs add up. */
  readonly shared: boolean;
  /** The database as it is now, or the newest snapshot, whichever is larger; 0 where neither is known. */
  readonly databaseBytes: number;
}

interface Need {
  readonly where: string;
  readonly neededBytes: number;
  readonly freeBytes: number;
}

/**
 * Staging needs the database once more and fresh WAL segments, a fetched snapshot needs it again. What is there is renamed,
 * not copied, and stays: it is counted as used already.
 *
 * @param walBytes - What a restored member writes as its WAL.
 */
export function judgeSpace(facts: SpaceFacts, walBytes: number): Check {
  const id = 'restore.space';
  const needs = needsOf(facts, walBytes);
  const words = needs
    .map(
      ({ where, neededBytes, freeBytes }) =>
        `${where} needs ${formatBytes(neededBytes)} and has ${formatBytes(freeBytes)}`,
    )
    .join('; ');
  const hint = `Free space there: \`lifeboat snapshot list\` shows what could go, and so does \`ls ${facts.dataDir}\` of set-aside data.`;
  if (needs.some(({ neededBytes, freeBytes }) => freeBytes < neededBytes)) return fail(id, words, hint);
  // The next restore sets this one's data aside.
  if (needs.some(({ neededBytes, freeBytes }) => freeBytes < 2 * neededBytes)) return warn(id, words, hint);
  return ok(id, words);
}

function needsOf(facts: SpaceFacts, walBytes: number): Need[] {
  const { dataDir, walDir, shared, databaseBytes, snapshotDirectory } = facts;
  const staged = databaseBytes + (walDir === undefined ? walBytes : 0);
  return [
    { where: dataDir, neededBytes: staged + (shared ? databaseBytes : 0), freeBytes: facts.dataFreeBytes },
    ...(shared
      ? []
      : [{ where: snapshotDirectory, neededBytes: databaseBytes, freeBytes: facts.snapshotFreeBytes }]),
    ...(walDir === undefined
      ? []
      : [{ where: walDir, neededBytes: walBytes, freeBytes: facts.walFreeBytes ?? 0 }]),
  ];
}
