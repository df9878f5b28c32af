import { dirname } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import type { OperationView } from '../formats/operation-view.ts';
import type { JournalEntry } from '../formats/restore-journal.ts';
import { sourceOf } from './operation-source.ts';

type Opening = Pick<Extract<JournalEntry, { type: 'opened' }>, 'at' | 'plan'>;

/**
 * An operation whose journal does not tell what this host did, or whose plan is of a host that this one no longer is.
 * Nothing is done for it: the hold stays, and no other operation begins, until a person has looked.
 */
export class UnreadableOperation {
  readonly id: string;
  readonly error: AgentError;
  readonly #path: string;
  readonly #opening: Opening | undefined;

  constructor(id: string, path: string, cause: AgentError, opening: Opening | undefined) {
    this.id = id;
    this.#path = path;
    this.#opening = opening;
    const message = cause.message.includes(path) ? cause.message : `${path}: ${cause.message}`;
    this.error = new AgentError(cause.code, message, { cause, details: { path, operation: id } });
  }

  view(self: string): OperationView {
    const { code, message } = this.error;
    const failure = { code, message };
    return {
      operation: this.id,
      role: 'participant',
      phase: 'stuck',
      startedAt: this.#opening?.at ?? plannedAt(this.id),
      failure,
      ...planFacts(this.#opening),
      hosts: [{ agent: self, reachable: true, failure }],
      gate: [],
      next: this.#next(),
    };
  }

  #next(): string[] {
    if (this.error.code === 'PLAN_MISMATCH') return ['lifeboat config check'];
    const directory = dirname(this.#path);
    return [
      'lifeboat restore status  # on the other hosts: how did it end there?',
      `mv ${directory} ${directory}.set-aside  # once the data here is known to be right; then restart the agent`,
    ];
  }
}

function planFacts(opening: Opening | undefined): Partial<OperationView> {
  if (opening === undefined) return {};
  const { decided, hash } = opening.plan;
  return { coordinator: decided.coordinator, planHash: hash, ...sourceOf(decided) };
}

/** An operation's id begins with the time at which it was planned: `20261123T143000Z`. */
function plannedAt(id: string): string {
  return id.slice(0, 16).replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
}
