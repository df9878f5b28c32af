import { stringify } from 'yaml';
import type { ConfigDraft } from './config-draft.ts';

/** A configuration file made of a draft. What the operator has to see to is marked `TODO`, with the reason. */
export function draftText(draft: ConfigDraft): string {
  const sections = [
    HEAD,
    agentLines(draft),
    etcdLines(draft),
    supervisorLines(draft),
    meshLines(draft),
    snapshotLines(draft),
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

const HEAD = [
  '# etcd-lifeboat, made by `lifeboat config init` from the etcd of this host. Every key and its meaning:',
  '# config.example.yaml and docs/configuration.md. `lifeboat config check` reads it, `lifeboat doctor` tries it out.',
];

function agentLines({ agent, open }: ConfigDraft): string[] {
  return [
    'agent:',
    ...todo(open, 'agent.name'),
    ...entry('name', agent.name),
    ...entry('stateDir', agent.stateDir),
    ...entry('controlSocket', agent.controlSocket),
  ];
}

function etcdLines({ etcd, open }: ConfigDraft): string[] {
  return [
    '# What the unit starts etcd with: a restored cluster is built from these.',
    'etcd:',
    ...entry('memberName', etcd.memberName),
    ...todo(open, 'etcd.peerUrls'),
    ...entry('peerUrls', etcd.peerUrls),
    ...todo(open, 'etcd.dataDir'),
    ...entry('dataDir', etcd.dataDir),
    ...entry('walDir', etcd.walDir),
    ...todo(open, 'etcd.endpoint'),
    ...entry('endpoint', etcd.endpoint),
    ...entry('binary', etcd.binary),
    ...entry('owner', etcd.owner),
    ...tlsLines(etcd.tls, open),
  ];
}

function tlsLines(tls: ConfigDraft['etcd']['tls'], open: ConfigDraft['open']): string[] {
  if (tls === undefined) return [];
  const lines = ['caFile', 'certFile', 'keyFile', 'serverName'].flatMap((key) => [
    ...todo(open, `etcd.tls.${key}`, '    '),
    ...entry(key, tls[key as keyof typeof tls], '    '),
  ]);
  return ['  tls:', ...lines];
}

function supervisorLines({ supervisor, open }: ConfigDraft): string[] {
  switch (supervisor.kind) {
    case 'systemd':
      return [
        'supervisor:',
        '  kind: systemd',
        ...entry('unit', supervisor.unit),
        ...entry('systemctl', supervisor.systemctl),
      ];
    case 'process':
      return [
        ...todo(open, 'supervisor', ''),
        'supervisor:',
        '  kind: process',
        '  command:',
        ...listLines(supervisor.command),
      ];
    case 'open':
      return [
        ...todo(open, 'supervisor', ''),
        '#supervisor:',
        '#  kind: systemd',
        '#  unit: etcd.service',
        '# or, where the agent shall run etcd itself:',
        '#supervisor:',
        '#  kind: process',
        '#  command:',
        ...listLines(supervisor.command).map((line) => `#${line}`),
      ];
  }
}

function meshLines({ mesh, open }: ConfigDraft): string[] {
  const peers = mesh.peers.flatMap(({ name, url }) => [
    `    - name: ${scalar(name)}`,
    `      url: ${scalar(url)}`,
  ]);
  return [
    'mesh:',
    ...entry('listen', mesh.listen),
    ...todo(open, 'mesh.peers'),
    ...(peers.length === 0 ? [] : ['  peers:', ...peers]),
    ...todo(open, 'mesh.tls'),
    ...(mesh.tls === undefined ? [] : ['  tls:']),
    ...Object.entries(mesh.tls ?? {}).flatMap(([key, value]) => entry(key, value, '    ')),
  ];
}

function snapshotLines({ cron }: ConfigDraft): string[] {
  return ['snapshots:', '  schedule:', ...entry('cron', cron, '    ')];
}

function entry(key: string, value: string | readonly string[] | undefined, indent = '  '): string[] {
  if (value === undefined) return [];
  const text = typeof value === 'string' ? scalar(value) : `[${value.map(quoted).join(', ')}]`;
  return [`${indent}${key}: ${text}`];
}

function listLines(words: readonly string[]): string[] {
  return words.map((word) => `    - ${scalar(word)}`);
}

/** As YAML writes one value on one line; quoted where it would mean something else bare. */
function scalar(value: string): string {
  return stringify(value, { lineWidth: 0, singleQuote: true, blockQuote: false }).trimEnd();
}

/** In `[…]` more characters have a meaning than on a line of its own. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function todo(open: ConfigDraft['open'], wanted: string, indent = '  '): string[] {
  return open.filter(({ key }) => key === wanted).map(({ why }) => `${indent}# TODO ${why}`);
}
