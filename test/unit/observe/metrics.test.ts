import { expect, test } from 'vitest';
import { METRICS, type MetricDefinition } from '../../../src/observe/metric-definitions.ts';
import { renderMetrics, sample } from '../../../src/observe/metrics.ts';

test('a page has the families that have samples, with their values, and nothing of the page before', async () => {
  await renderMetrics([sample('etcd_lifeboat_hold', true)]);
  const page = await renderMetrics([
    sample('etcd_lifeboat_peer_connected', false, { peer: 'a"b\\c\nd' }),
    sample('etcd_lifeboat_schedule_runs_total', 7, { outcome: 'done' }),
  ]);
  expect(page).toBe(
    [
      '# HELP etcd_lifeboat_schedule_runs_total Scheduled runs by how they ended, over restarts (schedule.json). skipped: nothing had changed, or a restore was under way.',
      '# TYPE etcd_lifeboat_schedule_runs_total counter',
      'etcd_lifeboat_schedule_runs_total{outcome="done"} 7',
      '',
      '# HELP etcd_lifeboat_peer_connected 1 while there is a link to the agent of this peer.',
      '# TYPE etcd_lifeboat_peer_connected gauge',
      'etcd_lifeboat_peer_connected{peer="a\\"b\\\\c\\nd"} 0',
      '',
    ].join('\n'),
  );
});

test('pages that are made at the same moment do not mix', async () => {
  const [one, other] = await Promise.all([
    renderMetrics([sample('etcd_lifeboat_peers', 1)]),
    renderMetrics([sample('etcd_lifeboat_hold', 1)]),
  ]);
  expect(one).not.toContain('hold');
  expect(other).not.toContain('peers');
});

test('names say the type and the unit as Prometheus wants them', () => {
  const metrics: readonly (readonly [string, MetricDefinition])[] = Object.entries(METRICS);
  for (const [name, { help, type }] of metrics) {
    expect(name).toMatch(/^(etcd_lifeboat|process)_[a-z_]+$/);
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
    expect(name).not.toMatch(/_(ms|milliseconds|kib|mib|percent|count|sum|bucket)$/);
    expect(help).toMatch(/^[A-Z1].*[.]$/);
  }
});
