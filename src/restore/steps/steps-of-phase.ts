import type { WorkingPhase } from '../phases.ts';
import { abortSteps, finishSteps, rollbackSteps, rollbackStopSteps } from './go-back.ts';
import { isUndoing, type HostContext } from './host-context.ts';
import { prepareSteps } from './prepare.ts';
import { proveSteps } from './prove-set-aside.ts';
import type { Step } from './step.ts';
import { confirmSteps, stopSteps } from './stop.ts';
import { commitSteps } from './swap.ts';

/** What a host does in a phase, in order. */
export function stepsOf(phase: WorkingPhase, context: HostContext): Step[] {
  switch (phase) {
    case 'preparing':
      return isUndoing(context) ? proveSteps(context) : prepareSteps(context);
    case 'stopping':
      return stopSteps(context);
    case 'confirming':
      return confirmSteps(context);
    case 'committing':
      return commitSteps(context);
    case 'finishing':
      return finishSteps(context);
    case 'aborting':
      return abortSteps(context);
    case 'rollback-stopping':
      return rollbackStopSteps(context);
    case 'rolling-back':
      return rollbackSteps(context);
  }
}
