import { AgentError } from '../base/agent-error.ts';

/**
 * The value of an option that counts something.
 *
 * @throws {AgentError} `USAGE` for what is no number from 1 to `most`.
 */
export function wholeNumber(option: string, text: string, most = Number.MAX_SAFE_INTEGER): number {
  const value = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : NaN;
  if (value <= most) return value;
  const upTo = most === Number.MAX_SAFE_INTEGER ? 'on' : `to ${most}`;
  throw new AgentError('USAGE', `${option} ${text}: must be a number from 1 ${upTo}`);
}
