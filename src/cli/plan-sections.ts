import type { OperationDecision, OperationPlan } from '../formats/restore-plan.ts';
import type { Paint } from './paint.ts';
import { indent } from './table.ts';

/** A part of a plan under its title, set off from what is above. */
export function section(paint: Paint, title: string, lines: readonly string[]): string[] {
  return ['', paint('bold', title), ...indent(lines)];
}

/** What the operator must know beside what is decided; nothing where there is nothing. */
export function warningLines({ measured }: OperationPlan, paint: Paint): string[] {
  if (measured.warnings.length === 0) return [];
  return section(
    paint,
    'Warnings',
    measured.warnings.map((warning) => paint('yellow', `! ${warning}`)),
  );
}

export function deadHost(dead: OperationDecision['without'][number]): string {
  return dead.urls.length === 0
    ? `${dead.agent}, which you say is dead`
    : `${dead.agent}, which you say is dead: refused if ${dead.urls.join(' or ')} answers`;
}
