import { z } from 'zod';
import { cronProblem, isTimeZone } from './cron-expression.ts';

const cron = z.string().superRefine((expression, context) => {
  const problem = cronProblem(expression);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

interface ScheduleWords {
  readonly jitterSeconds: number;
  /** Why a run waits for a random time. */
  readonly jitter: string;
}

/** The keys of everything that runs on cron times. */
// eslint-disable-next-line @typescript-eslint/explicit-module-boundary-types -- the schema says more than a name could
export function scheduleKeys({ jitterSeconds, jitter }: ScheduleWords) {
  return {
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
      .default(jitterSeconds)
      .describe(`A random delay of up to this many seconds, ${jitter}`),
    catchUp: z
      .boolean()
      .default(true)
      .describe('Run once at start when a run was missed while the agent was down.'),
  };
}
