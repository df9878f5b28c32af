import { z } from 'zod';
import { cronProblem, isTimeZone } from './cron-expression.ts';
import { absolutePath, command, seconds } from './fields.ts';

const cron = z.string().superRefine((expression, context) => {
  const problem = cronProblem(expression);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

const schedule = z
  .strictObject({
    cron: cron.describe(
      'When: minute, hour, day of month, month, day of week; a sixth field in front counts seconds. Quote it: YAML takes a leading `*` for an alias.',
    ),
    timeZone: z
      .string()
      .refine(isTimeZone, 'must be a time zone of the IANA database, like UTC or Europe/Berlin')
      .default('UTC')
      .describe('The time zone of `cron`. In any other than UTC, a clock change skips or delays runs.'),
    jitterSeconds: z
      .int('must be a whole number of seconds')
      .min(0, 'must not be negative')
      .max(3600, 'must be at most 3600')
      .default(30)
      .describe(
        'A random delay of up to this many seconds, so that hosts do not all snapshot in the same second.',
      ),
    catchUp: z
      .boolean()
      .default(true)
      .describe('Run once at start when a run was missed while the agent was down.'),
    skipUnchanged: z
      .boolean()
      .default(true)
      .describe('Take none when the newest proved snapshot already has the revision of the member.'),
  })
  .describe('When snapshots are taken. Without it: only by command.');

const postSnapshot = z
  .strictObject({
    command: command().describe(
      'Run after each new snapshot, with LIFEBOAT_SNAPSHOT_ID, _PATH, _SHA256, _REVISION, _SIZE_BYTES and _KIND in its environment.',
    ),
    timeoutSeconds: seconds().default(60).describe('How long it may take, in seconds.'),
  })
  .describe(
    'A command for each new snapshot: a copy to elsewhere, say. Its failure is reported; the snapshot stays.',
  );

/** `snapshots`: when they are taken, where they rest, how many stay. */
export const snapshotsSection = z
  .strictObject({
    directory: absolutePath()
      .exactOptional()
      .describe("Where this host's snapshots rest. Without it: `snapshots` in `agent.stateDir`."),
    keep: z
      .int('must be a whole number')
      .min(1, 'must be at least 1')
      .max(10_000, 'must be at most 10000')
      .default(24)
      .describe('How many snapshots stay. The newest proved one and those in use stay in any case.'),
    stallSeconds: seconds()
      .default(60)
      .describe(
        'A snapshot fails when no byte arrived for this many seconds. There is no limit for the whole.',
      ),
    compareHashUpToMiB: z
      .int('must be a whole number')
      .min(0, 'must not be negative')
      .max(1 << 20, 'must be at most 1048576')
      .default(16)
      .describe(
        'A member with at most this much data in use is asked for its HashKV after each saved snapshot, to be compared with ours; 0 is never. etcd writes nothing while it computes it.',
      ),
    schedule: schedule.exactOptional(),
    postSnapshot: postSnapshot.exactOptional(),
  })
  .describe('When snapshots are taken, where they rest and how many stay.');
