import type { ControlParams } from '../formats/control.ts';
import type { OperationView } from '../formats/operation-view.ts';
import { callAgent } from './control-client.ts';
import { exitStatusOfPhase, exitStatusOfWanted, READER_GONE_EXIT_STATUS } from './exit-status.ts';
import { openOperationDisplay, type OperationDisplay } from './operation-display.ts';
import { operationText } from './operation-text.ts';
import type { Session } from './session.ts';
import { interruptedBy, SIGNAL_EXIT_STATUS } from './stop-signals.ts';

type Following = 'restore.run' | 'restore.watch' | 'restore.request' | 'restore.takeover' | 'restore.resume';

/**
 * Follows an operation to its end. A signal only ends the following: the operation belongs to the agents.
 *
 * @param wanted - The phase that was asked for: only to end in it is a success.
 * @returns the exit status: of the phase in which it ended, or of the signal, which is never 0, because the
 *   outcome is not known then.
 */
export async function followOperation<M extends Following>(
  session: Session,
  method: M,
  params: ControlParams<M>,
  wanted?: OperationView['phase'],
): Promise<number> {
  const { signals, stdoutGone } = session.surroundings;
  const socketPath = await session.socketPath();
  using detach = interruptedBy(['SIGINT', 'SIGTERM', 'SIGHUP'], signals);
  let latest: OperationView | undefined;
  const display = displayFor(session);
  try {
    const final = await callAgent<Following>({
      socketPath,
      method,
      params,
      signal: AbortSignal.any([detach.signal, stdoutGone]),
      onProgress: ({ operation }) => {
        if (operation === undefined) return;
        latest = operation;
        display.show(operation);
      },
    });
    // Programs get the end as the result; people see it as the last change too.
    if (!session.isJson) display.show(final);
    display.clear();
    const nowMs = session.surroundings.clock.now();
    session.print(final, (view, paint) => operationText(view, nowMs, paint));
    return wanted === undefined ? exitStatusOfPhase(final.phase) : exitStatusOfWanted(final.phase, wanted);
  } catch (error) {
    display.clear();
    sayHowToGoOn(session, method, latest);
    if (detach.received !== undefined) return SIGNAL_EXIT_STATUS[detach.received];
    if (stdoutGone.aborted) return READER_GONE_EXIT_STATUS;
    throw error;
  }
}

function displayFor(session: Session): OperationDisplay {
  const { terminal, clock } = session.surroundings;
  if (!session.isJson) return openOperationDisplay(terminal.stderr, clock);
  return {
    show: (view) => {
      session.printJson(view);
    },
    clear: () => undefined,
  };
}

function sayHowToGoOn(session: Session, method: Following, latest: OperationView | undefined): void {
  const command = session.commandPrefix;
  if (latest !== undefined) {
    session.say([
      `The restore ${latest.operation} goes on without this command; it was ${latest.phase}.`,
      `  watch it:  ${command} restore watch ${latest.operation}`,
      `  abort it:  ${command} restore abort ${latest.operation}`,
    ]);
  } else if (method === 'restore.run') {
    session.say([`Whether the restore began is not known here: ${command} restore status`]);
  }
}
