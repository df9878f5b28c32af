import type { JournalEntry, ParticipantPhase } from '../formats/restore-journal.ts';

/**
 * A line of the journal in words, by which a place in an operation is named: `committing/start/done`, `vote/first=commit`,
 * `decided/first=commit+phase/committing`. A coordinator's decision goes with a phase of the `operation`, or with none.
 */
export function nameOfLine(entries: readonly JournalEntry[], phase: ParticipantPhase): string {
  return entries.map((entry) => nameOfEntry(entry, phase)).join('+');
}

function nameOfEntry(entry: JournalEntry, phase: ParticipantPhase): string {
  switch (entry.type) {
    case 'step':
      return `${phase}/${entry.step}/${entry.outcome}`;
    case 'phase':
    case 'operation':
      return `${entry.type}/${entry.phase}`;
    case 'vote':
    case 'proposed':
    case 'decided':
      return `${entry.type}/${entry.slot}=${entry.decision}`;
    case 'hook':
      return `hook/${entry.after}/${entry.outcome}`;
    case 'opened':
    case 'cause':
    case 'failure':
    case 'promised':
    case 'coordinating':
      return entry.type;
  }
}
