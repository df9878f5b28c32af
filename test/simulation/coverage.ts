import { operationPhase } from '../../src/formats/restore-journal.ts';
import { FAULT_KINDS } from './fault-kinds.ts';
import type { SeriesTally } from './series.ts';

const PHASES = ['not begun', ...operationPhase.options] as const;

/** How often each fault struck in each phase of the operation: a row for each fault, a column for each phase. */
export function formatCoverage({ faults }: SeriesTally): string {
  const width = Math.max(...FAULT_KINDS.map((kind) => kind.length));
  const columns = PHASES.map((phase) => Math.max(phase.length, 6));
  const row = (name: string, cells: readonly string[]): string =>
    `${name.padEnd(width)}  ${cells.map((cell, index) => cell.padStart(columns[index] ?? 0)).join('  ')}`;
  const rows = FAULT_KINDS.map((kind) =>
    row(
      kind,
      PHASES.map((phase) => String(faults[`${phase}/${kind}`] ?? '·')),
    ),
  );
  return [row('', PHASES), ...rows].join('\n');
}

export function formatEnds({ ends, played, takeovers, takenOver, breaches }: SeriesTally): string {
  const list = Object.entries(ends)
    .sort((a, b) => b[1] - a[1])
    .map(([end, times]) => `${end} ${times}`);
  return [
    `${played} schedules: ${list.join(', ')}`,
    `${takeovers} takeovers in ${takenOver} of them`,
    `${breaches.length} breaches`,
  ].join('\n');
}
