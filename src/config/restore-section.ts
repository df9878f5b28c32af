import { z } from 'zod';
import { absolutePath, command, seconds } from './fields.ts';

const FACTS =
  'LIFEBOAT_OPERATION, _PHASE, _OUTCOME, _FAILURE_CODE, _FAILURE_MESSAGE and more are in its environment: docs/operations.md.';

function hook(words: { readonly command: string; readonly about: string }) {
  return z
    .strictObject({
      command: command().describe(`${words.command} ${FACTS}`),
      timeoutSeconds: seconds().default(60).describe('How long it may take, in seconds.'),
    })
    .describe(words.about);
}

const preStop = hook({
  command: 'Run on this host before its etcd is asked to stop, while it still serves.',
  about: 'A command before the stop: drain clients, say. Its failure aborts the restore.',
});
const postRestore = hook({
  command: 'Run once this host has finished a restore. After a crash it may be run again.',
  about:
    'A command for each restore that went through: restart clients, say. Its failure is reported and changes nothing.',
});
const onFailure = hook({
  command:
    'Run when a restore ended on this host in `aborted`, `rolled-back` or `stuck`, once for each. After a crash it may be run again.',
  about:
    'A command for each restore that did not go through: call somebody, say. Its failure is reported and changes nothing.',
});

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
    takeoverAfterSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(120)
      .describe(
        'When the coordinator of a restore is gone for this many seconds, another host takes it over by itself; 0: only by command.',
      ),
    keepSetAsideDays: z
      .int()
      .min(0)
      .max(36_500)
      .default(14)
      .describe(
        'Data that restores set aside is old enough for `lifeboat restore clean` after this many days. Nothing removes it by itself.',
      ),
    preStop: preStop.exactOptional(),
    postRestore: postRestore.exactOptional(),
    onFailure: onFailure.exactOptional(),
  })
  .describe('How this host takes part in a restore.');
