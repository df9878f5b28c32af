import type { OperationView } from '../formats/operation-view.ts';
import type { OperationDecision } from '../formats/restore-plan.ts';

/** Where an operation has its data from, for people and programs. */
export function sourceOf(decided: OperationDecision): Pick<OperationView, 'snapshot' | 'undoes'> {
  if ('undoes' in decided) {
    const { clusterId, revision } = decided.returnsTo;
    return { undoes: { operation: decided.undoes.operation, clusterId, revision } };
  }
  const { id, revision, sizeBytes } = decided.snapshot;
  return { snapshot: { id, revision, sizeBytes } };
}
