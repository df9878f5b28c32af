import type { ArgumentWord, CommandWord, OptionWord } from '../src/cli/command-tree.ts';
import { flattenTree } from '../src/cli/command-tree.ts';

interface ManPageFacts {
  readonly release: string;
  readonly modifiedSeconds: number;
  /** The table of exit statuses, as the help shows it. */
  readonly exitStatus: string;
}

/** lifeboat(8), in roff, from what the commands say of themselves. */
export function manPage(tree: CommandWord, facts: ManPageFacts): string {
  const date = new Date(facts.modifiedSeconds * 1000).toISOString().slice(0, 10);
  const commands = flattenTree(tree).filter(
    ({ words, commands }) => words.length > 0 && commands.length === 0,
  );
  return [
    `.TH LIFEBOAT 8 ${date} "etcd-lifeboat ${facts.release}" "System Administration"`,
    '.SH NAME',
    'lifeboat \\- snapshots of etcd, and restores of a whole cluster from one of them',
    '.SH SYNOPSIS',
    '.B lifeboat',
    '[\\fIoptions\\fR] \\fIcommand\\fR [\\fIarguments\\fR]',
    '.SH DESCRIPTION',
    ...DESCRIPTION,
    '.SH OPTIONS',
    'These stand before or behind every command.',
    ...tree.options.flatMap(optionLines),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH "EXIT STATUS"',
    '.nf',
    ...facts.exitStatus.trim().split('\n').slice(1).map(escaped),
    '.fi',
    ...REST,
    '',
  ].join('\n');
}

const DESCRIPTION = [
  'An agent stands beside each member of an etcd cluster. It takes snapshots on a schedule and proves each of them.',
  'When the cluster has lost quorum, the agents bring it back from one snapshot, on all hosts at once, or not at all.',
  '.PP',
  '.B lifeboat agent',
  'is that agent; a service manager starts it. All other commands ask the agent of this host, through its control socket,',
  'unless they say otherwise. A restore changes nothing before its plan was made by',
  '.B lifeboat restore plan',
  "and its hash was confirmed; it never deletes etcd's old data.",
];

const REST = [
  '.SH ENVIRONMENT',
  '.TP\n.B LIFEBOAT_CONFIG\nThe configuration file, where \\fB\\-\\-config\\fR does not name one.',
  '.TP\n.B LIFEBOAT_SOCKET\nThe control socket, where neither \\fB\\-\\-socket\\fR nor \\fB\\-\\-config\\fR leads to one.',
  '.SH FILES',
  '.TP\n.I /etc/etcd-lifeboat/config.yaml\nThe configuration.',
  '.TP\n.I /var/lib/etcd-lifeboat\nSnapshots, journals of restores, and the hold.',
  '.TP\n.I /var/lib/etcd-lifeboat/hold\nWhile it exists, nothing but the agent starts etcd.',
  '.TP\n.I /run/etcd-lifeboat/control.sock\nThe control socket.',
  '.TP\n.I /usr/share/doc/etcd-lifeboat\nAn example of the configuration, and all documents.',
  '.SH "SEE ALSO"',
  '.BR etcd (1),\n.BR etcdctl (1),\n.BR systemctl (1)',
];

function commandLines(command: CommandWord): string[] {
  const heading = ['lifeboat', ...command.words].join(' ');
  const shown = command.arguments.map((argument: ArgumentWord) => ` \\fI${escaped(argument.shown)}\\fR`);
  const options = command.options.filter(({ long }) => long !== '--help');
  return [
    '.TP',
    `\\fB${escaped(heading)}\\fR${shown.join('')}${options.length > 0 ? ' [\\fIoptions\\fR]' : ''}`,
    sentence(command.description),
    ...(options.length > 0 ? ['.RS', ...options.flatMap(optionLines), '.RE'] : []),
  ];
}

function optionLines({ flags, description, value }: OptionWord): string[] {
  const choices = value !== undefined && value.choices.length > 0 ? ` (${value.choices.join(', ')})` : '';
  return ['.TP', `\\fB${escaped(flags)}\\fR`, sentence(description + choices)];
}

/** A capital at the beginning and a stop at the end, as prose has them. */
function sentence(text: string): string {
  const ended = /[.!?]$/.test(text) ? text : `${text}.`;
  return escaped(ended.charAt(0).toUpperCase() + ended.slice(1));
}

/** A line that begins with a dot or an apostrophe would be a request; a bare hyphen would become a dash. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&');
}
