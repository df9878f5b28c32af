import { AgentError, messageOf, systemCodeOf } from './agent-error.ts';
import type { ErrorCode } from './error-codes.ts';

/** An error as it goes from one thread to another: classes do not survive the way, plain values do. */
export interface CarriedError {
  readonly message: string;
  /** Of an `AgentError`. */
  readonly agent?: { readonly code: ErrorCode; readonly details: AgentError['details'] };
  /** `EIO`, `ENOSPC`, … of an error of the operating system. */
  readonly systemCode?: string;
  readonly stack?: string;
  readonly cause?: CarriedError;
}

/** Causes behind causes; one that leads back to itself ends here. */
const DEEPEST_CAUSE = 8;

export function packError(thrown: unknown, depth = 0): CarriedError {
  const message = messageOf(thrown);
  if (!(thrown instanceof Error)) return { message };
  const systemCode = thrown instanceof AgentError ? undefined : systemCodeOf(thrown);
  const hasCause = thrown.cause !== undefined && depth < DEEPEST_CAUSE;
  return {
    message,
    ...(thrown instanceof AgentError ? { agent: { code: thrown.code, details: thrown.details } } : {}),
    ...(systemCode === undefined ? {} : { systemCode }),
    ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
    ...(hasCause ? { cause: packError(thrown.cause, depth + 1) } : {}),
  };
}

/** The error that was packed: an `AgentError` again, or a plain one that keeps the operating system's code. */
export function unpackError(carried: CarriedError): Error {
  const { message, agent, systemCode, stack } = carried;
  const cause = carried.cause === undefined ? undefined : unpackError(carried.cause);
  const options = cause === undefined ? {} : { cause };
  const error =
    agent === undefined
      ? new Error(message, options)
      : new AgentError(agent.code, message, { ...options, details: agent.details });
  if (stack !== undefined) error.stack = stack;
  return systemCode === undefined ? error : Object.assign(error, { code: systemCode });
}
