import type { ControlResult, JoinResult } from '../formats/control.ts';
import type { JoinDecision } from '../formats/membership.ts';
import type { Paint } from './paint.ts';
import { formatFields, indent } from './table.ts';

/** What joining will do on this host and in the cluster, before it is confirmed. */
export function joinPlanText({ plan, done, failure }: ControlResult<'member.plan'>, paint: Paint): string[] {
  const { decided, id } = plan;
  const { clusterId, memberName, peerUrls, through, replaces } = decided;
  return [
    ...(done === undefined
      ? []
      : [paint('bold', `${id} was begun and goes on; done: ${done.join(', ') || 'nothing'}`)]),
    ...formatFields([
      ['it failed', failure === undefined ? undefined : `${failure.code}: ${failure.message}`],
      ['cluster', `${clusterId}, asked through ${through.join(', ')}`],
      ['member', `${memberName} at ${peerUrls.join(', ')}`],
      [
        'data here',
        replaces === undefined ? 'none' : `of member ${replaces.memberId} of cluster ${replaces.clusterId}`,
      ],
    ]),
    '',
    paint('bold', 'What will be done'),
    ...indent(stepsOf(plan).map((words, index) => `${index + 1}. ${words}`)),
    '',
  ];
}

function stepsOf({ decided, setAside }: ControlResult<'member.plan'>['plan']): string[] {
  return [
    'etcd on this host is stopped, and kept so by a fence until the end',
    ...setAside.map(({ from, to }) => `${from} is set aside as ${to}, and never deleted`),
    ...decided.remove.map(
      ({ id, name, why }) => `member ${name || id} (${id}) is removed from the cluster: ${why}`,
    ),
    entryWords(decided),
    'etcd is started once by the agent to join, stopped, and started by its supervisor as always',
    ...(decided.asLearner ? ['the learner is promoted when it has caught up'] : []),
    `the cluster then has ${decided.voters} voting members`,
  ];
}

function entryWords({ reuse, asLearner }: JoinDecision): string {
  const as = asLearner ? 'a learner, without a vote' : 'a voting member';
  return reuse === undefined
    ? `this host is added as ${as}`
    : `the entry ${reuse}, ${as} that never started, is taken`;
}

export function joinResultText({ clusterId, memberId, setAside }: JoinResult, paint: Paint): string[] {
  return [
    `${paint('green', 'joined')}  this host is voting member ${memberId ?? ''} of cluster ${clusterId}`,
    ...setAside.map(({ to }) => `set aside, and kept until someone removes it: ${to}`),
  ];
}
