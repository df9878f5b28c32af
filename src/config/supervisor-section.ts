import { z } from 'zod';
import { absolutePath, command, seconds } from './fields.ts';

const common = {
  stopTimeoutSeconds: seconds()
    .default(90)
    .describe('How long etcd may take to be seen stopped, in seconds.'),
  startTimeoutSeconds: seconds()
    .default(30)
    .describe('How long the etcd process may take to be there, in seconds.'),
};

const systemd = z
  .strictObject({
    kind: z.literal('systemd').describe('etcd is a systemd unit. Install `systemd/etcd-hold.conf` for it.'),
    unit: z
      .string()
      .regex(/^[A-Za-z0-9:_.@\\-]+\.service$/, 'must be the full name of a service, with `.service`')
      .default('etcd.service')
      .describe("etcd's unit."),
    systemctl: absolutePath()
      .exactOptional()
      .describe('The systemctl program. Without it: looked up on PATH.'),
    ...common,
  })
  .describe('systemd');

const restartBackoff = z
  .strictObject({
    firstSeconds: seconds()
      .default(1)
      .describe('The first wait before etcd is started again after it died, in seconds.'),
    longestSeconds: seconds().default(60).describe('The longest such wait, in seconds.'),
  })
  .superRefine((section, context) => {
    if (section.firstSeconds <= section.longestSeconds) return;
    context.addIssue({ code: 'custom', path: ['longestSeconds'], message: 'must be at least firstSeconds' });
  })
  .describe('How the waits grow while etcd keeps dying.');

const childProcess = z
  .strictObject({
    kind: z.literal('process').describe('The agent runs etcd itself, as a process that outlives the agent.'),
    command: command().describe("etcd's absolute path and its flags, one entry each."),
    onAgentStop: z
      .enum(['stop', 'leave'])
      .default('stop')
      .describe(
        'What an orderly stop of the agent does with etcd. A crash of the agent always leaves it running.',
      ),
    logFile: absolutePath()
      .exactOptional()
      .describe("Where etcd's own output goes. Without it: `etcd.log` in `agent.stateDir`."),
    restartBackoff: restartBackoff.prefault({}),
    ...common,
  })
  .describe('process');

const operatorCommands = z
  .strictObject({
    kind: z.literal('command').describe("The operator's own commands stop, start and see etcd."),
    start: command().describe(
      'Starts etcd. While the hold file (LIFEBOAT_HOLD_FILE) is there, only where LIFEBOAT_MAY_START is set.',
    ),
    stop: command().describe('Stops etcd.'),
    status: command().describe('Exit status 0: etcd runs. 3: it is stopped. Anything else: it failed.'),
    hold: command()
      .exactOptional()
      .describe('Run after the hold file was written, where something else must know of it.'),
    release: command()
      .exactOptional()
      .describe('Run before the hold file is removed, and before the agent itself starts etcd under it.'),
    timeoutSeconds: seconds().default(60).describe('How long each of these commands may take, in seconds.'),
    ...common,
  })
  .describe('command');

/** `supervisor`: who stops and starts etcd on this host. */
export const supervisorSection = z
  .discriminatedUnion('kind', [systemd, childProcess, operatorCommands])
  .describe('Who stops and starts etcd on this host. `kind` says which of the keys below apply.');
