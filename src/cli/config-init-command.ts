import { Option, type Command } from 'commander';
import { resolve } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import { instanceOf } from '../discovery/draft-config.ts';
import type { ConfigInitWish, FirstConfig } from './config-init.ts';
import type { RunInSession } from './run-in-session.ts';
import type { Session } from './session.ts';
import { interruptedBy } from './stop-signals.ts';
import { writeConfig } from './write-config.ts';

interface InitOptions {
  readonly pid?: string;
  readonly unit?: string;
  readonly name?: string;
  readonly supervisor?: 'systemd' | 'process';
  readonly systemctl?: string;
  /** `true` without a path. */
  readonly write?: string | true;
  readonly force?: boolean;
}

/** `lifeboat config init` */
export function addConfigInitCommand(config: Command, run: RunInSession): void {
  config
    .command('init')
    .description('make a configuration of the etcd that runs on this host; prints it, or writes it')
    .option('--pid <pid>', 'the process of the etcd that is meant, where several run')
    .option('--unit <unit>', 'its systemd unit, running or not')
    .option('--name <name>', 'the name of the agent (default: the host name that the cluster knows)')
    .addOption(
      new Option('--supervisor <kind>', 'who shall run etcd (default: the unit it runs in)').choices([
        'systemd',
        'process',
      ]),
    )
    .option('--systemctl <path>', 'the systemctl program')
    .option('--write [path]', 'write it (default: what --config names, or the packaged place)')
    .option('--force', 'with --write: replace a file that is there')
    .action((options: InitOptions, command: Command) => run(command, (session) => init(session, options)));
}

async function init(session: Session, options: InitOptions): Promise<number> {
  const wish = wishOf(options);
  using stop = interruptedBy(['SIGTERM', 'SIGINT'], session.surroundings.signals, () => {
    session.surroundings.endNow(1);
  });
  const made = await loadAndMake(wish, stop.signal);
  session.say(notes(made));
  if (options.write === undefined) {
    if (session.isJson) session.printJson(document(made));
    else session.printText(made.yaml.trimEnd().split('\n'));
    return 0;
  }
  const path = pathFor(options.write, session, made);
  const mode = await writeConfig({
    path,
    text: made.yaml,
    force: options.force === true,
    owner: made.etcd.owner,
  });
  session.print({ ...document(made), file: path }, () => [`wrote ${path}, ${mode}`]);
  session.say([`next: lifeboat config check --config ${path}, then lifeboat doctor --config ${path}`]);
  return 0;
}

/** Loaded only here, as other commands need no etcd client; apart, as in agent-command.ts. */
async function loadAndMake(wish: ConfigInitWish, signal: AbortSignal): Promise<FirstConfig> {
  const { makeFirstConfig } = await import('./config-init.ts');
  return await makeFirstConfig(wish, 'config.yaml', signal);
}

function wishOf(options: InitOptions): ConfigInitWish {
  refuseNonsense(options);
  const { pid, unit, name, supervisor, systemctl } = options;
  return {
    target: { ...(pid === undefined ? {} : { pid: Number(pid) }), ...(unit === undefined ? {} : { unit }) },
    ...(name === undefined ? {} : { agentName: name }),
    ...(supervisor === undefined ? {} : { supervisor }),
    ...(systemctl === undefined ? {} : { systemctl }),
  };
}

function refuseNonsense({ pid, unit, force, write }: InitOptions): void {
  if (pid !== undefined && !/^[1-9]\d{0,9}$/.test(pid)) {
    throw new AgentError('USAGE', `--pid ${pid}: must be the number of a process`);
  }
  if (pid !== undefined && unit !== undefined) {
    throw new AgentError('USAGE', 'say --pid or --unit, not both');
  }
  if (force === true && write === undefined) throw new AgentError('USAGE', '--force goes with --write');
}

/** The agent of an instance, lifeboat@a.service, reads a.yaml beside the packaged file. */
function pathFor(write: string | true, session: Session, { etcd }: FirstConfig): string {
  if (write !== true) return resolve(session.surroundings.workingDirectory, write);
  const path = resolve(session.surroundings.workingDirectory, session.configFile);
  const instance = instanceOf(etcd.unit);
  if (instance === undefined || path !== '/etc/etcd-lifeboat/config.yaml') return path;
  return `/etc/etcd-lifeboat/${instance}.yaml`;
}

function notes({ found, unknown, draft, problems }: FirstConfig): string[] {
  return [
    ...found.map((line) => `found    ${line}`),
    ...unknown.map((line) => `unknown  ${line}`),
    ...draft.open.map(({ key, why }) => `to do    ${key}: ${why}`),
    ...problems.map((line) => `missing  ${line.replace(/^\S+:\d+:\d+ /, '')}`),
  ];
}

function document({ yaml, found, unknown, draft, problems, etcd }: FirstConfig) {
  return {
    yaml,
    valid: problems.length === 0,
    problems,
    open: draft.open,
    found,
    unknown,
    ...(etcd.pid === undefined ? {} : { pid: etcd.pid }),
    ...(etcd.unit === undefined ? {} : { unit: etcd.unit }),
    sources: etcd.settings.sources,
  };
}
