import type { JournalEntry } from '../formats/restore-journal.ts';

/** What the journal says of the command after a restore. */
export interface HookRecord {
  readonly state: 'due' | 'running' | 'done' | 'failed';
  /** How often it was started. */
  readonly tries: number;
  readonly reason?: string;
}

export type HookEntry = Extract<JournalEntry, { type: 'hook' }>;

export function foldHook(record: HookRecord | undefined, { outcome, reason }: HookEntry): HookRecord {
  const tries = (record?.tries ?? 0) + (outcome === 'started' ? 1 : 0);
  const state = outcome === 'started' ? 'running' : outcome;
  return { state, tries, ...(reason === undefined ? {} : { reason }) };
}
