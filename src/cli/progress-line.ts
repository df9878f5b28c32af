import { formatBytes, formatDuration } from '../base/units.ts';
import type { Progress } from '../formats/control.ts';

/** One line of work under way: `streaming  120 MiB / 1.0 GiB  12%  310 MiB/s  3.0 s left`. */
export function progressLine(
  progress: Pick<Progress, 'phase' | 'bytes' | 'totalBytes'>,
  rate?: number,
): string {
  const { phase, bytes, totalBytes } = progress;
  const parts = [phase];
  if (bytes !== undefined) parts.push(formatAmount(bytes, totalBytes));
  if (bytes !== undefined && totalBytes !== undefined && totalBytes > 0)
    parts.push(percent(bytes, totalBytes));
  if (bytes !== undefined && rate !== undefined) parts.push(`${formatBytes(rate)}/s`);
  const left = timeLeft(bytes, totalBytes, rate);
  if (left !== undefined) parts.push(left);
  return parts.join('  ');
}

/** `120 MiB / 1.0 GiB`, or only what is there while the whole is not known. */
export function formatAmount(bytes: number, totalBytes?: number): string {
  return totalBytes === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} / ${formatBytes(totalBytes)}`;
}

/** A database grows while it is streamed, so the total is an estimate: never more than 99 % of it before the end. */
function percent(bytes: number, totalBytes: number): string {
  const share = Math.floor((bytes * 100) / totalBytes);
  return `${bytes === totalBytes ? 100 : Math.min(99, share)}%`;
}

function timeLeft(bytes?: number, totalBytes?: number, rate?: number): string | undefined {
  if (bytes === undefined || totalBytes === undefined || rate === undefined) return undefined;
  if (rate < 1 || bytes >= totalBytes) return undefined;
  return `${formatDuration(((totalBytes - bytes) * 1000) / rate)} left`;
}
