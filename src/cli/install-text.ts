import type { InstalledRecord } from '../formats/installed-record.ts';
import type { AgentOutcome } from '../install/install.ts';
import type { InstallPlan } from '../install/plan-install.ts';
import { formatFields, formatTable, indent } from './table.ts';

/** What an installation would do. Documents are counted, all else is named. */
export function installPlanText(plan: InstallPlan, release: string): string[] {
  const { wish, files, stale, createsUser } = plan;
  const isDocument = (path: string): boolean => path.includes('/share/doc/');
  const named = files.filter(({ path }) => !isDocument(path));
  const documents = files.filter(({ path }) => isDocument(path));
  const changed = documents.filter(({ change }) => change !== 'same').length;
  const rows = [
    ...named.map(({ path, change }) => [change, path]),
    [changed === 0 ? 'same' : 'new', `${wish.prefix}/share/doc/etcd-lifeboat (${documents.length} files)`],
    ...stale.map((path) => ['removed', path]),
  ];
  return [
    `etcd-lifeboat ${release} below ${wish.prefix}`,
    '',
    ...indent(formatTable([{ header: 'FILE' }, { header: '' }], rows)),
    '',
    ...indent(
      formatFields([
        ['user', `${wish.user} (${createsUser ? 'will be made, a system user without a shell' : 'exists'})`],
        ['etcd', `${wish.unit} will not start while a restore holds it`],
        ['configuration', '/etc/etcd-lifeboat, root and the agent only; nothing is written into it'],
        ['agent', plan.hasSystemd ? AGENT_TEXT : 'no systemd runs here: nothing is enabled or started'],
      ]),
    ),
  ];
}

const AGENT_TEXT =
  'lifeboat.service enabled; started, or restarted, when /etc/etcd-lifeboat/config.yaml is there';

const OUTCOMES: Record<AgentOutcome, string> = {
  restarted: 'The agent was restarted.',
  started: 'The agent was started.',
  kept: 'Nothing changed; the agent runs on.',
  'without-configuration':
    'The agent starts when it has a configuration: write /etc/etcd-lifeboat/config.yaml, then `systemctl start lifeboat.service`.',
  'no-systemd': 'systemd does not run here: nothing was enabled or started.',
};

export function installedText({ wish, files }: InstallPlan, release: string, agent: AgentOutcome): string[] {
  const written = files.filter(({ change }) => change !== 'same').length;
  return [
    `etcd-lifeboat ${release} is installed below ${wish.prefix}: ${written} files written, ${files.length - written} were there.`,
    OUTCOMES[agent],
  ];
}

export function uninstallPlanText({ release, prefix, files }: InstalledRecord): string[] {
  const named = files.filter((path) => !path.includes('/share/doc/'));
  return [
    `etcd-lifeboat ${release} below ${prefix} will be removed, and its agent stopped and disabled:`,
    ...indent(named),
    ...indent([`${prefix}/share/doc/etcd-lifeboat (${files.length - named.length} files)`]),
    '',
    ...WHAT_STAYS,
  ];
}

const WHAT_STAYS = [
  'etcd, /etc/etcd-lifeboat/*.yaml, /var/lib/etcd-lifeboat with the snapshots in it, and the user stay.',
];

export function uninstalledText({ release, files }: InstalledRecord): string[] {
  return [`etcd-lifeboat ${release} is removed: ${files.length} files.`, ...WHAT_STAYS];
}
