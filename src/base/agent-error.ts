import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

interface AgentErrorOptions {
  readonly cause?: unknown;
  /** Facts a program may want: plain values only, they travel to peers and into JSON output. */
  readonly details?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** The only error class that crosses a room's door. `message` states what was found, with its values. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: ErrorCode;
  readonly details: NonNullable<AgentErrorOptions['details']>;

  constructor(code: ErrorCode, message: string, options: AgentErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  /** True when the same call may succeed later without anyone changing anything. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }

  /** What the operator does next. */
  get hint(): string {
    return ERROR_CODES[this.code].hint;
  }
}

/** Any thrown value as an `AgentError`: itself, or wrapped under `code` with its message kept. */
export function asAgentError(thrown: unknown, code: ErrorCode = 'INTERNAL'): AgentError {
  if (thrown instanceof AgentError) return thrown;
  return new AgentError(code, messageOf(thrown), { cause: thrown });
}

/** The message of any thrown value. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The operating system's error name (`ENOENT`, `ENOSPC`, …) of a thrown value, if it has one. */
export function systemCodeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
