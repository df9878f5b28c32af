import { formatBytes, formatCount } from '../base/units.ts';
import { auditEvent, type AuditEvent, type AuditRecord } from '../formats/audit-record.ts';
import type { TakeoverOrder } from '../formats/restore-journal.ts';
import { formatTime } from './times.ts';

const EVENT_WIDTH = 'operation-decided'.length;

/** `7  2026-11-23 15:00:41 UTC  operation-ended    20261123T150000Z-a1b2c3 finished` */
export function auditLineText({ seq, at, event }: AuditRecord): string {
  const known = auditEvent.safeParse(event);
  const words = known.success ? wordsOf(known.data) : otherWords(event);
  return `${seq}  ${formatTime(at)}  ${event.event.padEnd(EVENT_WIDTH)}  ${oneLine(words)}`;
}

/** An event of a newer release, or of an older one. */
function otherWords({ event: _, ...rest }: AuditRecord['event']): string {
  return JSON.stringify(rest);
}

type Words = { readonly [E in AuditEvent['event']]: (event: Extract<AuditEvent, { event: E }>) => string };

const WORDS: Words = {
  'operation-opened': openedWords,
  'operation-decided': ({ operation, decision, epoch }) =>
    `${operation} ${decision}, by ${epoch.agent} (epoch ${epoch.counter})`,
  'operation-taken-over': ({ operation, epoch, requestedBy = 'the agent', order }) =>
    `${operation} by ${epoch.agent} (epoch ${epoch.counter}), ordered by ${requestedBy}${orderWords(order)}`,
  'operation-requested': ({ operation, kind, without, requestedBy }) =>
    `${operation} ${kind}${withoutWords(without)}, by ${requestedBy}`,
  'operation-ended': ({ operation, outcome, failure }) =>
    `${operation} ${outcome}${because(failure === undefined ? undefined : `${failure.code}: ${failure.message}`)}`,
  'hook-ended': ({ operation, hook, after = 'stopping', outcome, reason }) =>
    `${operation} restore.${hook} (${after}) ${outcome}${because(reason)}`,
  'snapshot-deleted': ({ snapshot, sizeBytes, requestedBy, force }) =>
    `${snapshot}, ${formatBytes(sizeBytes)}, by ${requestedBy ?? 'nobody named'}${force ? ', by force' : ''}`,
  'put-back': putBackWords,
  'set-aside-removal': ({ stage, items, requestedBy, reason }) =>
    `${stage}: ${items.map(({ path }) => path).join(', ')}, by ${requestedBy}${because(reason)}`,
  member: memberWords,
  'torn-line': ({ sizeBytes }) =>
    `${formatCount(sizeBytes)} bytes in front of this line are what a crash left of one`,
};

function wordsOf(event: AuditEvent): string {
  // Each entry takes the event of its own name.
  return (WORDS[event.event] as (event: AuditEvent) => string)(event);
}

function openedWords(event: Extract<AuditEvent, { event: 'operation-opened' }>): string {
  const { operation, requestedBy, coordinator, snapshot, undoes, planHash, accepting = [], without } = event;
  const source = undoes === undefined ? `from ${snapshot?.id ?? 'nothing known'}` : `undoes ${undoes}`;
  const flags = accepting.length === 0 ? '' : ` ${accepting.join(' ')}`;
  return `${operation} ${source}, by ${requestedBy} on ${coordinator}, plan ${planHash.slice(0, 12)}…${flags}${withoutWords(without)}${because(event.reason)}`;
}

const MEMBER_RELATION = { join: 'in', fence: 'superseded by', unfence: 'no longer superseded by' } as const;

function memberWords(event: Extract<AuditEvent, { event: 'member' }>): string {
  const { action, stage, memberId, clusterId, operation, since, requestedBy = 'the agent', reason } = event;
  const words = [
    ...(memberId === undefined ? [] : [`member ${memberId}`]),
    ...(clusterId === undefined ? [] : [`cluster ${clusterId}`]),
    ...(operation === undefined ? [] : [`${MEMBER_RELATION[action]} ${operation}`]),
    ...(since === undefined ? [] : [`kept stopped since ${formatTime(since)}`]),
    `by ${requestedBy}`,
  ];
  return `${action} ${stage}: ${words.join(', ')}${because(reason)}`;
}

function putBackWords(event: Extract<AuditEvent, { event: 'put-back' }>): string {
  const { stage, keys, overwrites, written, skipped = 0, uncertain = 0 } = event;
  const { snapshot, clusterId, requestedBy, accepting = [], reason } = event;
  const words = [
    `${keys === 1 ? '1 key' : `${formatCount(keys)} keys`} of ${snapshot} into cluster ${clusterId}`,
    ...(overwrites === 0 ? [] : [`${formatCount(overwrites)} of them over other values`]),
    ...(written === undefined ? [] : [`${formatCount(written)} written, ${formatCount(skipped)} skipped`]),
    ...(uncertain === 0 ? [] : [`etcd did not answer for ${formatCount(uncertain)}`]),
    [`by ${requestedBy}`, ...accepting].join(' '),
  ];
  return `${stage}: ${words.join(', ')}${because(reason)}`;
}

function withoutWords(without: readonly string[] | undefined): string {
  return without === undefined || without.length === 0 ? '' : ` --without ${without.join(' ')}`;
}

function orderWords(order: TakeoverOrder | undefined): string {
  if (order === undefined) return '';
  const { outcome, without, reason } = order;
  return ` --force-outcome ${outcome}${withoutWords(without)}${because(reason)}`;
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' | ');
}
