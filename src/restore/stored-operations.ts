import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asAgentError, systemCodeOf } from '../base/agent-error.ts';
import { removeDurably } from '../base/durable-file.ts';
import type { JournalEntry } from '../formats/restore-journal.ts';
import { operationId } from '../formats/identifiers.ts';
import { foldJournal, type FoldedJournal } from './fold-journal.ts';
import { Journal } from './journal.ts';
import { openingIn } from './journal-lines.ts';
import { UnreadableOperation } from './unreadable-operation.ts';

interface StoredOperation {
  readonly journal: Journal;
  readonly folded: FoldedJournal;
  readonly entries: readonly JournalEntry[];
}

/** Where the journals of a host are, a directory for each operation. */
function operationsRoot(stateDir: string): string {
  return join(stateDir, 'operations');
}

export function journalPath(stateDir: string, operation: string): string {
  return join(operationsRoot(stateDir), operation, 'journal');
}

/**
 * Every operation that this host took part in, oldest first. One that never began (its first line did not become
 * durable) is swept. Entries that are not called like an operation are passed over: somebody set them aside.
 */
export async function readStoredOperations(
  stateDir: string,
  graceMs: number,
): Promise<(StoredOperation | UnreadableOperation)[]> {
  const root = operationsRoot(stateDir);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const found: (StoredOperation | UnreadableOperation)[] = [];
  for (const name of (await readdir(root)).sort()) {
    if (!operationId.safeParse(name).success) continue;
    const stored = await readOperation(name, journalPath(stateDir, name), graceMs);
    if (stored !== undefined) found.push(stored);
  }
  return found;
}

/** Removes an ended operation's journal. The data that it set aside stays. */
export async function removeStoredOperation(stateDir: string, operation: string): Promise<void> {
  await removeDurably(dirname(journalPath(stateDir, operation)));
}

async function readOperation(
  id: string,
  path: string,
  graceMs: number,
): Promise<StoredOperation | UnreadableOperation | undefined> {
  let journal: Journal | undefined;
  try {
    const opened = await Journal.open(path);
    journal = opened.journal;
    const { entries } = opened;
    if (entries.length > 0) return { journal, folded: foldJournal(entries, graceMs), entries };
  } catch (error) {
    await journal?.close();
    if (systemCodeOf(error) !== 'ENOENT') {
      return new UnreadableOperation(id, path, asAgentError(error, 'JOURNAL_DAMAGED'), await openingOf(path));
    }
  }
  await journal?.close();
  await removeDurably(dirname(path));
  return undefined;
}

async function openingOf(path: string): Promise<ReturnType<typeof openingIn>> {
  try {
    return openingIn(await readFile(path));
  } catch {
    // Why the file cannot be read is told already.
    return undefined;
  }
}
