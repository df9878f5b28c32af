import type { CellResult } from './run-cell.ts';

/** Point × role, and how it ended. */
export function tableOf(results: readonly CellResult[]): string {
  const rows = results.map(({ path, role, point, end, seconds, typed, offered = [], failure }) => [
    path,
    role,
    point,
    failure === undefined ? end : `${end}: ${failure}`,
    `${seconds}`,
    typed.join('; '),
    offered.join('; '),
  ]);
  const head = ['path', 'killed', 'at', 'ended', 'seconds', 'typed', 'offered meanwhile'];
  const counts = new Map<string, number>();
  for (const { end } of results) counts.set(end, (counts.get(end) ?? 0) + 1);
  const sum = [...counts].map(([end, count]) => `${count} ${end}`).join(', ');
  const seconds = Math.round(results.reduce((total, result) => total + result.seconds, 0));
  return [
    [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n'),
    `${results.length} kills: ${sum}; ${seconds} s of runs`,
  ].join('\n\n');
}
