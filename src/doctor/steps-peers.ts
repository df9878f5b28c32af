import { stat } from 'node:fs/promises';
import { messageOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { about, fail, ok, skipped, warn, type Check } from './check.ts';
import { judgeCertificate } from './judge-certificate.ts';
import { judgeClock, type ClockSample } from './judge-clock.ts';
import { judgePeers } from './judge-peers.ts';
import { readCertificate } from './read-certificate.ts';
import type { Step } from './step.ts';
import type { DoctorSubject, RunningAgent } from './subject.ts';

/** The links to the other agents, and what they rest on. */
export function peerSteps(subject: DoctorSubject): Step[] {
  const { agent, release, clock } = subject;
  const why = 'only a running agent has links to its peers';
  return [
    { ids: ['mesh.certificate'], look: async () => [await identityCheck(subject)] },
    {
      ids: ['mesh.peer'],
      look: () =>
        Promise.resolve(
          agent === undefined ? [skipped('mesh.peer', why)] : judgePeers(agent.links(), release, clock.now()),
        ),
    },
    {
      ids: ['mesh.clock'],
      look: async (signal) =>
        agent === undefined ? [skipped('mesh.clock', why)] : await clockChecks(agent, clock, signal),
    },
  ];
}

/** What peers know this agent by: a certificate, or the secret that all of them share. */
async function identityCheck({ config, clock }: DoctorSubject): Promise<Check> {
  const id = 'mesh.certificate';
  const { tls, secretFile } = config.mesh;
  if (tls !== undefined) {
    const facts = await readCertificate(tls, config.agent.name);
    const uses = ['server', 'client'] as const;
    return judgeCertificate(facts, { id, name: config.agent.name, uses, chain: true, nowMs: clock.now() });
  }
  if (secretFile === undefined) return skipped(id, 'no peers, and so no certificate');
  try {
    const { mode, size } = await stat(secretFile);
    if (size < 16)
      return fail(id, `${secretFile} has ${size} bytes`, 'At least 16 are needed, the same on every agent.');
    const found = `no TLS: the agents share the secret in ${secretFile}`;
    return (mode & 0o007) === 0
      ? ok(id, found)
      : warn(id, `${found}, and everybody may read it`, `\`chmod 600 ${secretFile}\``);
  } catch (error) {
    return fail(id, messageOf(error), 'Every agent needs the same file: `mesh.secretFile`.');
  }
}

const SAMPLES = 3;

async function clockChecks(agent: RunningAgent, clock: Clock, signal: AbortSignal): Promise<Check[]> {
  const connected = agent.links().filter(({ state }) => state === 'connected');
  if (connected.length === 0) return [skipped('mesh.clock', 'there is no link to any peer')];
  return await Promise.all(connected.map(({ peer }) => clockCheck(peer, { agent, clock, signal })));
}

interface Asking {
  readonly agent: RunningAgent;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

async function clockCheck(peer: string, { agent, clock, signal }: Asking): Promise<Check> {
  const samples: ClockSample[] = [];
  try {
    for (let turn = 0; turn < SAMPLES; turn += 1) {
      const askedAtMs = clock.now();
      const theirsMs = await agent.clockOf(peer, signal);
      samples.push({ askedAtMs, theirsMs, answeredAtMs: clock.now() });
    }
    return judgeClock(peer, samples);
  } catch (error) {
    // A peer of an older release does not know the question.
    return about(peer, skipped('mesh.clock', `${peer} cannot be asked for its time: ${messageOf(error)}`));
  }
}
