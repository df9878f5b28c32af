import type { Epoch } from '../../src/formats/restore-journal.ts';
import type { Goal, ParticipantReport } from '../../src/formats/restore-messages.ts';

/** What a coordinator asks of a host: `restore.advance`, or `restore.promise` where there is no goal. */
export interface Request {
  readonly type: 'request';
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly epoch: Epoch;
  readonly goal?: Goal;
  readonly hasPlan: boolean;
}

export interface Answer {
  readonly type: 'answer';
  readonly id: number;
  readonly from: string;
  readonly to: string;
  /** A report, or the code of the error that the host answered with. */
  readonly answer: ParticipantReport | string;
}

export type Message = Request | Answer;
