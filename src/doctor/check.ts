import type { CheckStatus, DoctorCheck } from '../formats/doctor-report.ts';

/** Every check there is, in the order in which they are shown. Public: never rename or reuse one. */
export const CHECK_IDS = [
  'agent.running',
  'agent.config',
  'agent.state',
  'agent.socket',
  'agent.audit',
  'etcd.process',
  'etcd.settings',
  'etcd.member',
  'etcd.binary',
  'etcd.certificate',
  'data.directory',
  'data.swap',
  'data.reflink',
  'supervisor.rights',
  'supervisor.sight',
  'supervisor.hold',
  'restore.tool',
  'restore.space',
  'mesh.certificate',
  'mesh.peer',
  'mesh.clock',
  'snapshots.schedule',
  'snapshots.fresh',
  'monitoring.listener',
] as const;

export type CheckId = (typeof CHECK_IDS)[number];

export type Check = DoctorCheck & { readonly id: CheckId };

/** As it should be. */
export function ok(id: CheckId, found: string): Check {
  return { id, status: 'ok', found };
}

/** It works, and will bite some day. */
export function warn(id: CheckId, found: string, hint: string): Check {
  return { id, status: 'warn', found, hint };
}

/** A snapshot or a restore would fail. */
export function fail(id: CheckId, found: string, hint: string): Check {
  return { id, status: 'fail', found, hint };
}

/** There is nothing to look at, or nobody to ask. */
export function skipped(id: CheckId, why: string): Check {
  return { id, status: 'skipped', found: why };
}

/** The same finding about one of several things. */
export function about(subject: string, check: Check): Check {
  return { ...check, subject };
}

const ORDER: Readonly<Record<CheckStatus, number>> = { fail: 3, warn: 2, ok: 1, skipped: 0 };

/** What was found of one thing by several judges: the worst counts, and what it hides is said after it. */
export function worstOf(id: CheckId, checks: readonly Check[]): Check {
  const sorted = [...checks].sort((left, right) => ORDER[right.status] - ORDER[left.status]);
  const [worst] = sorted;
  if (worst === undefined) return skipped(id, 'there is nothing to look at');
  const alike = sorted.filter(({ status }) => status === worst.status);
  const hint = [...new Set(alike.flatMap((check) => check.hint ?? []))].join(' ');
  return {
    id,
    status: worst.status,
    found: alike.map(({ found }) => found).join('; '),
    ...(hint === '' ? {} : { hint }),
  };
}
