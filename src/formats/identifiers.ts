import { z } from 'zod';

/** An agent's name, as its certificate's DNS SAN spells it. */
export const agentName = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/,
    'must be a host name: letters, digits, dots and dashes, at most 63',
  );

/** SHA-256 in lower-case hex. */
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex');

/** A cluster or member ID as etcd prints it. */
export const etcdId = z.string().regex(/^[0-9a-f]{16}$/, 'must be 16 lower-case hex digits');

/** One cluster-wide restore. Sortable by the time it was planned; safe in a file name. */
export const operationId = z.string().regex(/^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$/, 'must be an operation id');

/** The id of a snapshot: safe in a file name and in a URL. */
export const snapshotId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be a snapshot id');

export const isoTime = z.iso.datetime();
export const sizeBytes = z.int().nonnegative();
export const revision = z.int().nonnegative();

/** An alarm as etcd reports it. */
export const alarm = z.object({ memberId: etcdId, alarm: z.string().max(32) });

/** What any side says of a failure. */
export const failure = z.object({
  code: z.string().max(64),
  message: z.string().max(8192),
});
export type Failure = z.infer<typeof failure>;
