import type { Command } from 'commander';
import type { LookWithoutAgent } from '../agent/examine-without-agent.ts';
import { asAgentError, type AgentError } from '../base/agent-error.ts';
import { takeEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load-config.ts';
import { reportOf, type DoctorReport, type HostReport } from '../formats/doctor-report.ts';
import { doctorText } from './doctor-text.ts';
import type { RunInSession } from './run-in-session.ts';
import type { Session } from './session.ts';
import { interruptedBy } from './stop-signals.ts';

/** `lifeboat doctor` */
export function addDoctorCommand(program: Command, run: RunInSession): void {
  program
    .command('doctor')
    .description('look at all that a snapshot or a restore needs on this host; changes nothing')
    .option('--all', 'on every host: each agent looks at its own')
    .action((options: { readonly all?: boolean }, command: Command) =>
      run(command, async (session) => {
        const report = await askOrLook(session, options.all === true);
        session.print(report, doctorText);
        return report.status === 'fail' ? 1 : 0;
      }),
    );
}

/** The agent looks, as what counts is what its user may do and whom it reaches; without it this command does what it can. */
async function askOrLook(session: Session, all: boolean): Promise<DoctorReport> {
  try {
    return await session.call('doctor', { all });
  } catch (thrown) {
    const error = asAgentError(thrown);
    // An agent of another release does not know the question; whatever else goes wrong here is no finding but a failure.
    if (error.code !== 'AGENT_UNREACHABLE' && error.code !== 'METHOD_UNKNOWN') throw error;
    return reportOf([await lookHere(session, error)]);
  }
}

async function lookHere(session: Session, agentProblem: AgentError): Promise<HostReport> {
  const { configFile, surroundings } = session;
  let config: Awaited<ReturnType<typeof loadConfig>>;
  try {
    config = await loadConfig(configFile);
  } catch (thrown) {
    return withoutConfig(session, agentProblem, asAgentError(thrown));
  }
  using stop = interruptedBy(['SIGTERM', 'SIGINT'], surroundings.signals, () => {
    surroundings.endNow(1);
  });
  const searchPath = takeEnvironment().path;
  return await loadAndLook(
    { config, configFile, searchPath, agentProblem: agentProblem.message },
    stop.signal,
  );
}

/** Loaded only here: other commands would pay for the whole agent. Apart, as in agent-command.ts. */
async function loadAndLook(look: LookWithoutAgent, signal: AbortSignal): Promise<HostReport> {
  const { examineWithoutAgent } = await import('../agent/examine-without-agent.ts');
  return await examineWithoutAgent(look, signal);
}

/** Without a configuration nothing is known of what to look at. */
function withoutConfig(
  { configFile, surroundings }: Session,
  agentProblem: AgentError,
  configProblem: AgentError,
): HostReport {
  const { clock, release, requestedBy } = surroundings;
  return {
    agent: 'unknown',
    release,
    by: 'command',
    user: requestedBy.split('@')[0] ?? requestedBy,
    checkedAt: new Date(clock.now()).toISOString(),
    checks: [
      { id: 'agent.running', status: 'fail', found: agentProblem.message, hint: agentProblem.hint },
      {
        id: 'agent.config',
        status: 'fail',
        found: configProblem.message,
        hint: `\`lifeboat config init\` makes one of the etcd on this host; \`lifeboat config check --config ${configFile}\` checks it.`,
      },
    ],
  };
}
