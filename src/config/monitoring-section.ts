import { z } from 'zod';
import { listenAddress } from './fields.ts';

const A_YEAR_SECONDS = 366 * 86_400;

/** `monitoring`: the read-only listener for `/metrics`, `/healthz` and `/readyz`. */
export const monitoringSection = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether the listener is there at all.'),
    listen: listenAddress()
      .prefault('127.0.0.1:7401')
      .describe(
        'The address and port of `/metrics`, `/healthz` and `/readyz`: plain HTTP for everybody who reaches it. Names of hosts, versions and sizes, never keys or values. While the port is taken, the agent works without it and says so.',
      ),
    snapshotMaxAgeSeconds: z
      .int('must be a whole number of seconds')
      .min(1, 'must be at least 1')
      .max(A_YEAR_SECONDS, `must be at most ${A_YEAR_SECONDS}`)
      .exactOptional()
      .describe(
        'From which age, in seconds, the newest proved snapshot is stale. Without it: twice the longest wait between two due times of the schedule, plus its jitter.',
      ),
  })
  .describe('The read-only listener for Prometheus and for probes.');
