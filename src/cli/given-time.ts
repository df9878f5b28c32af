import { AgentError } from '../base/agent-error.ts';

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * The value of an option that says how long: `90s`, `30m`, `12h`, `14d`; `0d` is nothing at all.
 *
 * @returns Milliseconds.
 * @throws {AgentError} `USAGE` for anything else.
 */
export function givenDurationMs(option: string, text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== '' && (unit === 's' || unit === 'm' || unit === 'h' || unit === 'd')) {
    return Number(count) * UNIT_MS[unit];
  }
  throw new AgentError('USAGE', `${option} ${text}: must be a duration like 90s, 30m, 12h or 14d`);
}

/**
 * The value of an option that says since when: a time of ISO 8601, or how long ago.
 *
 * @returns Milliseconds since the epoch.
 * @throws {AgentError} `USAGE` for anything else.
 */
export function givenTimeMs(option: string, text: string, nowMs: number): number {
  if (/^\d{4}-\d\d-\d\d/.test(text)) {
    const timeMs = Date.parse(text);
    if (!Number.isNaN(timeMs)) return timeMs;
  } else if (/^\d{1,6}[smhd]$/.test(text)) {
    return nowMs - givenDurationMs(option, text);
  }
  throw new AgentError(
    'USAGE',
    `${option} ${text}: must be a time like 2026-11-23T15:00:00Z, or how long ago: 12h, 7d`,
  );
}
