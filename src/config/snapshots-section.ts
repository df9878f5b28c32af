import { z } from 'zod';
import { absolutePath, command, seconds } from './fields.ts';
import { scheduleKeys } from './schedule-keys.ts';

const schedule = z
  .strictObject({
    ...scheduleKeys({
      jitterSeconds: 30,
      jitter: 'so that hosts do not all snapshot in the same second.',
    }),
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
