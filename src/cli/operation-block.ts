import { formatDuration } from '../base/units.ts';
import type { OperationView } from '../formats/operation-view.ts';
import type { Paint } from './paint.ts';
import { formatAmount } from './progress-line.ts';
import { formatTable, indent } from './table.ts';

const COLUMNS = [
  { header: 'AGENT' },
  { header: 'PHASE' },
  { header: 'STEP' },
  { header: 'BYTES', align: 'right' },
] as const;

/** An operation as it stands, one line a host. `nowMs` tells how long it has run. */
export function operationBlock(view: OperationView, nowMs: number, paint: Paint): string[] {
  const endMs = view.endedAt === undefined ? nowMs : Date.parse(view.endedAt);
  const ran = formatDuration(Math.max(0, endMs - Date.parse(view.startedAt)));
  const phase = paintPhase(view.phase, paint);
  return [
    `${paint('bold', view.operation)}  ${phase}  ${ran}  coordinator ${view.coordinator ?? 'unknown'}`,
    ...indent(
      formatTable(
        COLUMNS,
        view.hosts.map((host) => hostRow(host, paint)),
      ),
    ),
    ...indent(
      view.hosts.flatMap((host) =>
        host.failure === undefined ? [] : [failureLine(host.agent, host.failure)],
      ),
    ),
    ...indent(view.gate.map((finding) => `gate: ${finding}`)),
  ];
}

/** The word of a phase, in the colour of what it means for the cluster. */
function paintPhase(phase: OperationView['phase'], paint: Paint): string {
  if (phase === 'finished' || phase === 'accepted') return paint('green', phase);
  if (phase === 'stuck') return paint('red', phase);
  return phase === 'aborted' || phase === 'rolled-back' ? paint('yellow', phase) : paint('bold', phase);
}

function hostRow(host: OperationView['hosts'][number], paint: Paint): string[] {
  const phase = host.phase ?? '-';
  return [
    host.agent,
    host.reachable ? phase : `${phase} ${paint('yellow', '(unreachable)')}`,
    host.step ?? '',
    host.bytes === undefined ? '' : formatAmount(host.bytes, host.totalBytes),
  ];
}

function failureLine(agent: string, failure: { readonly code: string; readonly message: string }): string {
  return `${agent}: ${failure.code}: ${failure.message.replaceAll('\n', '\n      ')}`;
}
