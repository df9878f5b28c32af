import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperationView } from '../formats/operation-view.ts';

export function auditPath(stateDir: string): string {
  return join(stateDir, 'audit.jsonl');
}

/** Adds one line to `<stateDir>/audit.jsonl`: how an operation ended on this host, with which plan. Synced. */
export async function appendAudit(
  stateDir: string,
  view: OperationView & { readonly requestedBy: string },
): Promise<void> {
  const { operation, phase, coordinator, planHash, requestedBy, startedAt, endedAt, failure, snapshot } =
    view;
  const line = {
    at: endedAt,
    operation,
    outcome: phase,
    requestedBy,
    coordinator,
    planHash,
    startedAt,
    failure,
    snapshot,
  };
  await appendLine(stateDir, line);
}

/** Adds a line on how a command of the configuration ended on this host. Synced. */
export async function appendHookAudit(
  stateDir: string,
  entry: {
    readonly at: string;
    readonly operation: string;
    readonly hook: string;
    /** Not `outcome`: that is how an operation ended. */
    readonly hookOutcome: string;
    readonly reason?: string;
  },
): Promise<void> {
  await appendLine(stateDir, entry);
}

async function appendLine(stateDir: string, line: object): Promise<void> {
  const file = await open(auditPath(stateDir), 'a', 0o600);
  try {
    await file.appendFile(`${JSON.stringify(line)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}
