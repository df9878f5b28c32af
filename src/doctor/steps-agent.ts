import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCodeOf } from '../base/agent-error.ts';
import { idOfGroup, nameOfGroup, nameOfUser } from '../discovery/user-names.ts';
import { validateCron } from '../schedule/validate-cron.ts';
import { fail, ok, skipped, type Check } from './check.ts';
import { judgeAudit, judgeConfig, judgeSocketGroup, judgeState, type StateFacts } from './judge-agent.ts';
import { judgeListener, judgeSchedule } from './judge-snapshots.ts';
import { ownUser } from './own-user.ts';
import type { Step } from './step.ts';
import type { DoctorSubject } from './subject.ts';

/** The agent itself: what it runs by, and what it needs to run. */
export function agentSteps(subject: DoctorSubject): Step[] {
  const { config, agent } = subject;
  const by = agent === undefined ? 'command' : 'agent';
  return [
    { ids: ['agent.running'], look: () => Promise.resolve([running(subject)]) },
    { ids: ['agent.config'], look: async () => [judgeConfig(await configFacts(subject))] },
    {
      ids: ['agent.state'],
      look: async () => [judgeState(await stateFacts(config.agent.stateDir), by, ownUser())],
    },
    { ids: ['agent.socket'], look: async () => [await socketCheck(subject, by)] },
    {
      ids: ['agent.audit'],
      look: () =>
        Promise.resolve([
          agent === undefined
            ? skipped('agent.audit', 'only the agent writes it; `lifeboat audit verify` reads it without one')
            : judgeAudit(agent.audit),
        ]),
    },
    { ids: ['snapshots.schedule'], look: () => Promise.resolve([scheduleCheck(subject)]) },
    { ids: ['monitoring.listener'], look: () => Promise.resolve([listenerCheck(subject)]) },
  ];
}

function running({ agent, agentProblem, release, config }: DoctorSubject): Check {
  const id = 'agent.running';
  if (agent !== undefined) {
    return ok(id, `release ${release}, process ${process.pid}, as ${ownUser()}`);
  }
  return fail(
    id,
    `${agentProblem ?? `no agent answers on ${config.agent.controlSocket}`}; what follows was looked at by this command, as ${ownUser()}`,
    '`systemctl status lifeboat.service`, `journalctl -u lifeboat.service`',
  );
}

async function configFacts({ configFile, configProblem, agent }: DoctorSubject) {
  const problem = await configProblem();
  const stats = await stat(configFile).catch(() => undefined);
  return {
    path: configFile,
    problem,
    mode: stats?.mode,
    changedAtMs: stats?.mtimeMs,
    readAtMs: agent?.startedAtMs,
  };
}

/** Writes a file as the journal is written, and removes it. */
async function stateFacts(path: string): Promise<StateFacts> {
  try {
    const { mode, uid, gid } = await stat(path);
    const owner = `${(await nameOfUser(uid)) ?? uid}:${(await nameOfGroup(gid)) ?? gid}`;
    const isOwn = uid === process.getuid?.();
    return { path, mode: mode & 0o7777, owner, isOwn, ...(await writeProblem(path)) };
  } catch (error) {
    return systemCodeOf(error) === 'ENOENT' ? { path, missing: true } : { path, problem: messageOf(error) };
  }
}

async function writeProblem(path: string): Promise<{ problem?: string }> {
  let scratch: string | undefined;
  try {
    scratch = await mkdtemp(join(path, 'doctor.'));
    await using file = await open(join(scratch, 'probe'), 'wx', 0o600);
    await file.writeFile('lifeboat doctor\n');
    await file.sync();
    return {};
  } catch (error) {
    return { problem: messageOf(error) };
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

async function socketCheck({ config }: DoctorSubject, by: 'agent' | 'command'): Promise<Check> {
  const name = config.agent.controlSocketGroup;
  const id = name === undefined ? undefined : await idOfGroup(name);
  const own = [process.getuid?.(), process.getegid?.(), ...(process.getgroups?.() ?? [])];
  const isOurs = own[0] === 0 || (id !== undefined && own.slice(1).includes(id));
  return judgeSocketGroup({ name, id, isOurs, by });
}

function scheduleCheck({ config }: DoctorSubject): Check {
  const { schedule } = config.snapshots;
  const problem = schedule === undefined ? undefined : validateCron(schedule.cron, schedule.timeZone);
  return judgeSchedule(schedule, problem);
}

function listenerCheck({ config, agent }: DoctorSubject): Check {
  if (agent === undefined) return skipped('monitoring.listener', 'no agent runs to serve it');
  return judgeListener(config.monitoring, agent.listenerProblem);
}
