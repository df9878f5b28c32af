import { AgentError } from '../base/agent-error.ts';
import type { LogFields } from './log.ts';

const REDACTED = '[redacted]';
const MAX_DEPTH = 6;
const MAX_ITEMS = 100;
const MAX_TEXT_CHARS = 8192;

/**
 * A copy that is safe to log: errors spelt out, values under names like `password` replaced, and everything of
 * bounded depth, width and length. A path of a file with a secret (`secretFile`) is no secret.
 */
export function cleanFields(fields: LogFields): Record<string, unknown> {
  return cleanEntries(fields, 0);
}

/** What an error says of itself: code, hint and details of ours, the stack of a stranger, and the chain of causes. */
function describeError(error: Error, depth = 0): Record<string, unknown> {
  const ours = error instanceof AgentError;
  return {
    type: error.name,
    ...(ours
      ? { code: error.code, message: cleanText(error.message), hint: error.hint, retryable: error.retryable }
      : { ...systemFields(error), message: cleanText(error.message), stack: cleanText(error.stack ?? '') }),
    ...(ours && Object.keys(error.details).length > 0
      ? { details: cleanEntries(error.details, depth + 1) }
      : {}),
    ...(error instanceof AggregateError ? { errors: clean(error.errors, depth + 1) } : {}),
    ...(error.cause === undefined ? {} : { cause: clean(error.cause, depth + 1) }),
  };
}

function systemFields(error: Error): Record<string, unknown> {
  return 'code' in error ? { code: clean(error.code, MAX_DEPTH) } : {};
}

function cleanEntries(fields: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(fields).slice(0, MAX_ITEMS);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isSecretName(name) ? REDACTED : clean(value, depth + 1)]),
  );
}

function isSecretName(name: string): boolean {
  return /passw|secret|token|credential|authorization|private_?key/i.test(name) && !/(File|Path)$/.test(name);
}

function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if (depth > MAX_DEPTH) return '…';
  return cleanObject(value, depth);
}

function cleanObject(value: object, depth: number): unknown {
  if (value instanceof Error) return describeError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'no date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (value instanceof Map || value instanceof Set) return clean([...value], depth);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => clean(item, depth + 1));
  return cleanEntries(value, depth);
}

function cleanText(text: string): string {
  return text.length <= MAX_TEXT_CHARS
    ? text
    : `${text.slice(0, MAX_TEXT_CHARS)}… (${text.length} characters)`;
}
