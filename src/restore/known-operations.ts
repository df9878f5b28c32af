import { AgentError } from '../base/agent-error.ts';
import type { OperationView } from '../formats/operation-view.ts';
import type { LocalOperation } from './local-operation.ts';
import type { UnreadableOperation } from './unreadable-operation.ts';

/** Every operation that this host has a journal of, readable or not. At most one is active: it binds the host. */
export class KnownOperations {
  readonly #agent: string;
  readonly #readable = new Map<string, LocalOperation>();
  readonly #unreadable = new Map<string, UnreadableOperation>();

  constructor(agent: string) {
    this.#agent = agent;
  }

  add(operation: LocalOperation): void {
    this.#readable.set(operation.id, operation);
  }

  addUnreadable(operation: UnreadableOperation): void {
    this.#unreadable.set(operation.id, operation);
  }

  forget(operation: LocalOperation): void {
    this.#readable.delete(operation.id);
  }

  all(): LocalOperation[] {
    return [...this.#readable.values()];
  }

  find(id: string): LocalOperation | undefined {
    return this.#readable.get(id);
  }

  /** The one that is under way on this host, if any. */
  get active(): LocalOperation | undefined {
    return this.all().find((operation) => operation.isActive);
  }

  /** For whose sake this host takes part in no other: the one under way, or one that cannot be read. */
  get boundBy(): string | undefined {
    return this.active?.id ?? [...this.#unreadable.keys()][0];
  }

  /** First those that cannot be read, then the newest. */
  views(): OperationView[] {
    const readable = this.all().sort((a, b) => (a.id < b.id ? 1 : -1));
    return [
      ...[...this.#unreadable.values()].map((operation) => operation.view(this.#agent)),
      ...readable.map((operation) => operation.view()),
    ];
  }

  /**
   * Without an id: the one that binds this host, else the newest.
   *
   * @throws {AgentError} `OPERATION_UNKNOWN`, or why it cannot be read: `JOURNAL_DAMAGED`, `PLAN_MISMATCH`.
   */
  get(id: string | undefined): LocalOperation {
    const wanted = id ?? this.boundBy ?? [...this.#readable.keys()].sort().at(-1);
    if (wanted === undefined) throw new AgentError('OPERATION_UNKNOWN', 'no restore was ever run here');
    this.requireReadable(wanted);
    const operation = this.#readable.get(wanted);
    if (operation !== undefined) return operation;
    throw new AgentError('OPERATION_UNKNOWN', `no operation ${wanted} here`);
  }

  /** @throws {AgentError} why the journal of `id`, or of any where there is none, cannot be read. */
  requireReadable(id?: string): void {
    const unreadable = id === undefined ? [...this.#unreadable.values()][0] : this.#unreadable.get(id);
    if (unreadable !== undefined) throw unreadable.error;
  }
}
