import { z } from 'zod';
import { absolutePath, command, seconds } from './fields.ts';

const postRestore = z
  .strictObject({
    command: command().describe(
      'Run once this host has finished a restore, with LIFEBOAT_OPERATION, _OUTCOME, _AGENT, _COORDINATOR, _CLUSTER_ID, _SNAPSHOT_ID, _REVISION, _REVISION_BUMP and _SET_ASIDE in its environment. After a crash it may be run again.',
    ),
    timeoutSeconds: seconds().default(60).describe('How long it may take, in seconds.'),
  })
  .describe(
    'A command for each restore that went through: restart clients, say. Its failure is reported and changes nothing.',
  );

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
    postRestore: postRestore.exactOptional(),
  })
  .describe('How this host takes part in a restore.');
