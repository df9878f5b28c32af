import { z } from 'zod';
import { absolutePath, seconds } from './fields.ts';

/** `restore`: how this host takes part in a restore. */
export const restoreSection = z
  .strictObject({
    tool: absolutePath()
      .exactOptional()
      .describe('The etcdutl or etcdctl that restores. Without it: the fitting one on PATH.'),
    prepareStallSeconds: seconds()
      .default(120)
      .describe('A host that prepares fails when it made no progress for this many seconds.'),
    gateTimeoutSeconds: seconds()
      .default(180)
      .describe('How long the new cluster may take to pass the acceptance gate, in seconds.'),
    peerGraceSeconds: seconds()
      .default(30)
      .describe('How long a silent participant is waited for before an operation says so, in seconds.'),
  })
  .describe('How this host takes part in a restore.');
