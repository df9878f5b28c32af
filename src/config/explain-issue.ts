import type { z } from 'zod';
import type { Problem } from './problem.ts';

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'must be text: quote what looks like a number or a date',
  boolean: 'must be true or false',
  array: 'must be a list',
  object: 'must be a group of keys',
  number: 'must be a number',
};

/** What the schema found, in an operator's words: one problem for each unknown key, one for anything else. */
export function explainIssue(issue: z.core.$ZodIssue, raw: unknown): Problem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key));
  const value = valueAt(raw, path);
  return [{ path, message: value === undefined ? 'is missing' : sentence(issue, value) }];
}

function unknownKey(parent: readonly (string | number)[], key: string): Problem {
  return { path: [...parent, key], message: 'unknown key', atKey: true };
}

function sentence(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'invalid_value') return `must be ${issue.values.map(String).join(' or ')}`;
  if (issue.code === 'invalid_union' && 'options' in issue) {
    return `must be ${issue.options.map(String).join(' or ')}`;
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') return withNumber(issue.message, value);
  if (issue.code !== 'invalid_type') return issue.message;
  const message = typeSentence(issue.expected, issue.message);
  // A number where text belongs may be a password of digits.
  return issue.expected === 'string' ? message : withNumber(message, value);
}

function typeSentence(expected: string, message: string): string {
  return message.startsWith('Invalid input')
    ? (TYPE_WORDS[expected] ?? `must be of type ${expected}`)
    : message;
}

function withNumber(message: string, value: unknown): string {
  return typeof value === 'number' ? `${message} (found ${value})` : message;
}

function valueAt(raw: unknown, path: readonly (string | number)[]): unknown {
  let value = raw;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[part];
  }
  return value;
}
