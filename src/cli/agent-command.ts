import type { Command } from 'commander';
import type { RunInSession } from './run-in-session.ts';
import type { Session } from './session.ts';
import { interruptedBy } from './stop-signals.ts';

/** `lifeboat agent` */
export function addAgentCommand(program: Command, run: RunInSession): void {
  program
    .command('agent')
    .description('run the agent of this host; a service manager starts it')
    .action((_options: object, command: Command) => run(command, serve));
}

/** The first signal asks the agent to finish and close; the second does not wait for that. */
async function serve(session: Session): Promise<number> {
  const { signals, endNow } = session.surroundings;
  using stop = interruptedBy(['SIGTERM', 'SIGINT'], signals, () => {
    endNow(1);
  });
  return await loadAndRun(session, stop.signal);
}

/**
 * Loaded only here: every other command would pay for the whole agent. A function of its own, because tsc (6.0.3)
 * leaves `.ts` in an `import()` that stands in the scope of a `using`.
 */
async function loadAndRun({ configFile, surroundings }: Session, signal: AbortSignal): Promise<number> {
  const { runAgent } = await import('../agent/run-agent.ts');
  return await runAgent({ configFile, threadProgram: surroundings.threadProgram, signal });
}
