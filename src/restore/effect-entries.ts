import type { Epoch, JournalEntry } from '../formats/restore-journal.ts';
import type { CoordinatorEffect } from './coordinator-state.ts';
import type { ParticipantEffect } from './participant.ts';

/** What a host writes down of its own part before it acts. `at`: ISO 8601, UTC. */
export function participantEntries(
  effects: readonly ParticipantEffect[],
  epoch: Epoch,
  at: string,
): JournalEntry[] {
  return effects.flatMap((effect): JournalEntry[] => {
    switch (effect.type) {
      case 'record-phase':
        return [{ type: 'phase', at, phase: effect.phase }];
      case 'record-failure':
        return [{ type: 'failure', at, failure: effect.failure }];
      case 'record-promised':
        return [{ type: 'promised', at, epoch: effect.epoch }];
      case 'record-vote':
        return [{ type: 'vote', at, slot: effect.slot, decision: effect.decision, epoch }];
      case 'record-decided':
        return [{ type: 'decided', at, slot: effect.slot, decision: effect.decision }];
      case 'interrupt':
      case 'work':
        return [];
    }
  });
}

/** What a coordinator writes down of the whole operation before any host is told. */
export function coordinatorEntries(
  effects: readonly CoordinatorEffect[],
  epoch: Epoch,
  at: string,
): JournalEntry[] {
  return effects.flatMap((effect): JournalEntry[] => {
    switch (effect.type) {
      case 'record-phase': {
        const { type: _, without, ...facts } = effect;
        return [
          { type: 'operation', at, ...facts, ...(without === undefined ? {} : { without: [...without] }) },
        ];
      }
      case 'record-proposed':
        return [{ type: 'proposed', at, slot: effect.slot, decision: effect.decision, epoch }];
      case 'record-decided':
        return [{ type: 'decided', at, slot: effect.slot, decision: effect.decision }];
      case 'check-guards':
      case 'run-gate':
      case 'check-writes':
        return [];
    }
  });
}
