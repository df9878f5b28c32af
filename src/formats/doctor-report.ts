import { z } from 'zod';
import { agentName, isoTime } from './identifiers.ts';

const status = z.enum(['ok', 'warn', 'fail', 'skipped']);

/** One finding of `lifeboat doctor`. */
const doctorCheck = z.object({
  /** Stable: `data.directory`. docs/cli.md lists them. */
  id: z.string().max(64),
  /** What of several things it is about: a peer, a path. */
  subject: z.string().max(4096).optional(),
  status,
  /** A sentence of what was found. */
  found: z.string().max(8192),
  /** What to do about it, with the command to type. */
  hint: z.string().max(2048).optional(),
});
export type DoctorCheck = z.infer<typeof doctorCheck>;
export type CheckStatus = z.infer<typeof status>;

/** What was found on one host. */
export const hostReport = z.object({
  agent: agentName,
  release: z.string().max(64).optional(),
  /** Who looked: the running agent as its own user, or the command as the one who typed it. `nobody`: it cannot be asked. */
  by: z.enum(['agent', 'command', 'nobody']),
  user: z.string().max(256),
  checkedAt: isoTime,
  checks: z.array(doctorCheck).max(256),
});
export type HostReport = z.infer<typeof hostReport>;

/** `lifeboat doctor`: the worst status of all, and each host. */
export const doctorReport = z.object({
  status: z.enum(['ok', 'warn', 'fail']),
  hosts: z.array(hostReport).min(1).max(64),
});
export type DoctorReport = z.infer<typeof doctorReport>;

/** `host.clock`: the time of the host that is asked, in milliseconds since the epoch. */
export const clockAnswer = z.object({ nowMs: z.number() });

/** The report of several hosts: skipped checks say nothing. */
export function reportOf(hosts: readonly HostReport[]): DoctorReport {
  const found = new Set(hosts.flatMap(({ checks }) => checks.map((check) => check.status)));
  return { status: found.has('fail') ? 'fail' : found.has('warn') ? 'warn' : 'ok', hosts: [...hosts] };
}
