import type { Command } from 'commander';
import type { Session } from './session.ts';

/** Runs a command's work with what was said on the whole command line, and keeps the exit status it returns. */
export type RunInSession = (command: Command, work: (session: Session) => Promise<number>) => Promise<void>;
