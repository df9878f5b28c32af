import { formatDuration } from '../base/units.ts';

/** `2026-11-23 14:30:00 UTC`, from milliseconds since the epoch or ISO 8601. */
export function formatTime(time: number | string): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `14:30:00Z`: the time of day in UTC, for lines that follow each other. */
export function formatClockTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)}Z`;
}

/** How long before `nowMs` it was, in words. A host whose clock is ahead of ours took it `just now`. */
export function formatAge(time: string, nowMs: number): string {
  const ageMs = nowMs - Date.parse(time);
  return ageMs < 1000 ? 'just now' : `${formatDuration(ageMs)} ago`;
}
