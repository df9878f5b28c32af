import { expect, test } from 'vitest';
import { planText } from '../../../src/cli/plan-text.ts';
import { hookFacts } from '../../../src/restore/hook-facts.ts';
import { nextCommands } from '../../../src/restore/next-commands.ts';
import { OperationAudit } from '../../../src/restore/operation-audit.ts';
import { OPERATION, PLAN_HASH, samplePlan, sampleUndo } from '../../support/control-samples.ts';

const plan = sampleUndo();
const { operation, coordinator, returnsTo, supersedes, hosts } = plan.decided;
const [host] = hosts;

test('the audit log says what an undo undoes, and names no snapshot', () => {
  const at = '2026-11-23T16:00:00.000Z';
  const epoch = { counter: 1, agent: 'h1' };
  const opened = {
    ...({ type: 'opened', version: 1 } as const),
    ...{ at, operation, epoch, requestedBy: 'root@h1', plan },
  };
  expect(new OperationAudit(opened).add([opened])).toEqual([
    {
      at,
      event: {
        event: 'operation-opened',
        ...{ operation, planHash: PLAN_HASH, coordinator, requestedBy: 'root@h1', undoes: OPERATION },
      },
    },
  ]);
});

test('a command learns that it runs for an undo, and which cluster comes back', () => {
  if (host === undefined) throw new Error('a plan without hosts');
  expect(hookFacts({ hook: 'postRestore', plan, host, phase: 'finished', after: 'finished' })).toMatchObject({
    ...{ LIFEBOAT_UNDOES: OPERATION, LIFEBOAT_SNAPSHOT_ID: '', LIFEBOAT_REVISION_BUMP: '0' },
    LIFEBOAT_REVISION: String(returnsTo.revision),
    LIFEBOAT_CLUSTER_ID: returnsTo.clusterId,
    LIFEBOAT_OLD_CLUSTER_ID: supersedes.clusterId,
  });
});

test('a finished restore offers its undo only while it is the newest, and nothing once it was undone', () => {
  const { generation } = { generation: plan.decided.undoes };
  const after = (place: Parameters<typeof nextCommands>[0]['place']) =>
    nextCommands({ phase: 'finished', plan: samplePlan(), ...(place === undefined ? {} : { place }) });
  const undo = expect.stringContaining(`lifeboat restore undo ${OPERATION}`) as string;
  expect(after({ kind: 'newest', generation })).toContainEqual(undo);
  expect(after({ kind: 'followed', by: operation })).not.toContainEqual(undo);
  expect(after({ kind: 'undone', by: operation })).toEqual([]);
  expect(nextCommands({ phase: 'rolled-back', plan })).toEqual([`lifeboat restore undo ${OPERATION}`]);
});

test('the plan says in words what is lost, where it stays, and who will have no member', () => {
  const [first, second, third] = hosts;
  if (first === undefined || second === undefined || third?.action !== 'swap') throw new Error('not three');
  const { memberId: _, revision: __, ...named } = third;
  const vacated = { ...named, action: 'vacate', why: 'its disk was lost' } as const;
  const text = planText(sampleUndo({ hosts: [first, second, vacated] }), (_style, words) => words).join('\n');
  expect(text).toContain(
    `6 revisions: everything written since ${OPERATION} finished (h1 is at revision 1,240).`,
  );
  expect(text).toContain(`set aside as member.before-${operation}, not deleted`);
  expect(text).toMatch(/h3 +m3 +running +1,240 +have no member/);
  expect(text).toContain('its disk was lost');
  expect(text).toContain(`/var/lib/etcd/member.before-${OPERATION}, as /var/lib/etcd/member`);
  expect(text).toContain('3, of which 2 serve at once');
});
