import type { OperationView } from '../formats/operation-view.ts';
import { formatAmount } from './progress-line.ts';

type HostView = OperationView['hosts'][number];

/** A host that has not reported yet has nothing to show but its name. */
const UNSEEN = { reachable: true } as const;

/** What became different from one view of an operation to the next, a line each, without the time. */
export function changesOf(before: OperationView | undefined, after: OperationView): string[] {
  const lines: string[] = [];
  if (before?.phase !== after.phase) lines.push(`operation ${after.phase}`);
  for (const host of after.hosts) {
    const previous = before?.hosts.find((other) => other.agent === host.agent) ?? {
      ...UNSEEN,
      agent: host.agent,
    };
    if (wordsOf(previous) !== wordsOf(host)) lines.push(hostLine(host));
  }
  for (const finding of after.gate) {
    if (before?.gate.includes(finding) !== true) lines.push(`gate ${finding}`);
  }
  return lines;
}

/** `h2 preparing fetch-snapshot 120 MiB / 1.0 GiB` */
export function hostLine(host: HostView): string {
  const amount = host.bytes === undefined ? [] : [formatAmount(host.bytes, host.totalBytes)];
  return [wordsOf(host), ...amount].join(' ');
}

/** Everything of a host but its counting bytes. */
function wordsOf(host: HostView): string {
  const { agent, phase, reachable, step, failure } = host;
  return [
    agent,
    ...(reachable ? [] : ['UNREACHABLE']),
    ...(phase === undefined ? [] : [phase]),
    ...(step === undefined ? [] : [step]),
    ...(failure === undefined ? [] : [`${failure.code}: ${failure.message}`]),
  ].join(' ');
}
