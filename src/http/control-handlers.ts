import type { ControlMethod, ControlParams, ControlResult, Progress } from '../formats/control.ts';

export interface ControlContext {
  /** Ends when the client goes away or the agent stops. What that means for the work is the handler's to decide. */
  readonly signal: AbortSignal;
  /** May be called as often as there is something to say; what the client gets is thinned out. */
  readonly onProgress: (progress: Progress) => void;
}

/** What the agent does for each method of the control socket. Parameters have been checked. */
export type ControlHandlers = {
  readonly [M in ControlMethod]: (
    params: ControlParams<M>,
    context: ControlContext,
  ) => Promise<ControlResult<M>>;
};
