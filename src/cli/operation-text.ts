import { formatBytes, formatCount, formatDuration } from '../base/units.ts';
import type { OperationView } from '../formats/operation-view.ts';
import { operationBlock } from './operation-block.ts';
import type { Paint } from './paint.ts';
import { formatFields, indent } from './table.ts';

/** An operation in full: where it stands or how it ended, what is left of it on each host, what can be typed next. */
export function operationText(view: OperationView, nowMs: number, paint: Paint): string[] {
  const setAside = setAsideLines(view);
  return [
    ...operationBlock(view, nowMs, paint),
    ...indent(formatFields(outcomeFields(view))),
    ...setAside,
    ...(view.next.length === 0 ? [] : ['', 'Next:', ...indent(view.next)]),
  ];
}

function outcomeFields(view: OperationView): (readonly [string, string | undefined])[] {
  const { failure, forced, result, downtimeMs } = view;
  return [
    [
      'cause',
      failure === undefined ? undefined : `${failure.code}: ${failure.message.replaceAll('\n', '\n      ')}`,
    ],
    ['forced', forcedWords(forced)],
    ...sourceFields(view),
    ['revision', result === undefined ? undefined : revisionWords(view, result.revision)],
    ['HashKV', result === undefined ? undefined : `${result.hashKv}, equal on all members`],
    ['keys', result?.keyCount === undefined ? undefined : formatCount(result.keyCount)],
    ['lost', lossOf(view)],
    ['undone by', view.undoneBy],
    ...(view.hooks ?? []).map((hook) => ['command', hookWords(hook)] as const),
    ['downtime', downtimeMs === undefined ? undefined : formatDuration(downtimeMs)],
  ];
}

function forcedWords(order: OperationView['forced']): string | undefined {
  if (order === undefined) return undefined;
  const { outcome, without, reason = 'no reason was given' } = order;
  return `${outcome}, without ${without.join(', ')}: ${reason}`;
}

/** What it has its data from, and the cluster that came out. */
function sourceFields({
  snapshot,
  undoes,
  result,
}: OperationView): (readonly [string, string | undefined])[] {
  if (undoes !== undefined)
    return [
      ['undoes', undoesWords(undoes)],
      ['cluster', result?.clusterId],
    ];
  return [
    ['snapshot', snapshot === undefined ? undefined : snapshotWords(snapshot)],
    ['new cluster', result?.clusterId],
  ];
}

function snapshotWords({ id, revision, sizeBytes }: NonNullable<OperationView['snapshot']>): string {
  return `${id}, revision ${formatCount(revision)}, ${formatBytes(sizeBytes)}`;
}

function undoesWords({ operation, clusterId, revision }: NonNullable<OperationView['undoes']>): string {
  return `${operation}: back to cluster ${clusterId} at revision ${formatCount(revision)}`;
}

function revisionWords({ revisionBump }: OperationView, revision: number): string {
  const raised = revisionBump === undefined ? '' : `, raised by ${formatCount(revisionBump)}`;
  return `${formatCount(revision)}${raised}`;
}

const HOOK_STATES = { due: 'will be run', running: 'runs', done: 'was run', failed: 'FAILED' } as const;

function hookWords({ hook, after, state, reason }: NonNullable<OperationView['hooks']>[number]): string {
  const why = reason === undefined ? '' : `: ${reason.replaceAll('\n', '\n      ')}`;
  const when = after === undefined || after === 'finished' ? '' : ` (${after})`;
  return `restore.${hook}${when} ${HOOK_STATES[state]} here${why}`;
}

/** Only what went through lost anything. */
function lossOf({ phase, lostRevisions }: OperationView): string | undefined {
  if (phase !== 'finished' && phase !== 'accepted') return undefined;
  if (lostRevisions === undefined) return 'unknown: no member of the cluster before it could be read';
  return lostRevisions === 1 ? '1 revision' : `${formatCount(lostRevisions)} revisions`;
}

/** Exact paths, and what frees their space: the operation itself never deletes what it found. */
function setAsideLines(view: OperationView): string[] {
  const hosts = view.hosts.filter((host) => (host.setAside ?? []).length > 0);
  if (hosts.length === 0) return [];
  return [
    '',
    'Set aside, and kept until someone removes it:',
    ...indent(hosts.flatMap((host) => (host.setAside ?? []).map((path) => `${host.agent}  ${path}`))),
  ];
}
