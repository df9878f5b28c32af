import { z } from 'zod';
import { scheduleKeys } from './schedule-keys.ts';

const schedule = z
  .strictObject(
    scheduleKeys({
      jitterSeconds: 600,
      jitter: 'so that hosts do not all run a second etcd at the same time.',
    }),
  )
  .describe(
    'When the newest proved snapshot is drilled, unless it has booted already. Without it: only by command.',
  );

/** `drill`: when snapshots are booted on a throw-away etcd. */
export const drillSection = z
  .strictObject({ schedule: schedule.exactOptional() })
  .describe(
    'When snapshots are tried out: restored into a scratch directory beside the snapshots, and booted on an etcd of their own.',
  );
