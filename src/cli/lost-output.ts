import type { Writable } from 'node:stream';
import { AgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';

/** Whether what a command prints still arrives. */
interface WatchedOutput {
  /** Aborted when it does not: nobody reads any more, or the disk that it goes to is full. Work for it alone is in vain. */
  readonly gone: AbortSignal;
  /** Why it could not be written. `lifeboat … | head` ends in EPIPE: no failure, and nothing to say about it. */
  readonly failure: AgentError | undefined;
}

/** Takes the errors of `stream`, which would end the process in the middle of its work. */
export function watchOutput(stream: Writable): WatchedOutput {
  const gone = new AbortController();
  let failure: AgentError | undefined;
  stream.on('error', (cause) => {
    if (systemCodeOf(cause) !== 'EPIPE') {
      failure ??= new AgentError('OUTPUT_UNWRITABLE', `stdout could not be written: ${messageOf(cause)}`, {
        cause,
      });
    }
    gone.abort();
  });
  return {
    gone: gone.signal,
    get failure() {
      return failure;
    },
  };
}
