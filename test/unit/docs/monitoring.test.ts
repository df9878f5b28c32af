import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { METRICS } from '../../../src/observe/metric-definitions.ts';
import {
  alertsOf,
  dashboardQueries,
  metricsIn,
  readAlerts,
  readDashboard,
} from '../../support/monitoring-files.ts';

const ROOT = new URL('../../../', import.meta.url);
const EXPORTED = new Set(Object.keys(METRICS));

test('the alerts name only metrics that there are', async () => {
  for (const { alert, expr } of alertsOf(await readAlerts())) {
    expect([alert, metricsIn(expr).filter((name) => !EXPORTED.has(name))]).toEqual([alert, []]);
  }
});

test('the dashboard names only metrics that there are', async () => {
  const used = metricsIn(dashboardQueries(await readDashboard()).join('\n'));
  expect(used.length).toBeGreaterThan(20);
  expect(used.filter((name) => !EXPORTED.has(name))).toEqual([]);
});

test('every alert says how bad it is, what is so, which command comes next, and where its runbook is', async () => {
  const operations = await readFile(new URL('docs/operations.md', ROOT), 'utf8');
  const anchors = new Set([...operations.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title)));
  const found = alertsOf(await readAlerts()).map(({ alert, annotations = {}, labels }) => {
    const [file, anchor = ''] = (annotations['runbook_url'] ?? '').split('#');
    return {
      alert,
      severity: ['warning', 'critical'].includes(labels['severity'] ?? ''),
      summary: /\S{3,}/.test(annotations['summary'] ?? ''),
      command: /`(lifeboat|systemctl|journalctl|promtool|openssl) [^`]+`/.test(
        annotations['description'] ?? '',
      ),
      runbook: file === 'docs/operations.md' && anchors.has(anchor),
    };
  });
  const whole = { severity: true, summary: true, command: true, runbook: true };
  expect(found).toEqual(found.map(({ alert }) => ({ alert, ...whole })));
});

test('the dashboard is whole: one id a panel, one place a panel, and every query of the chosen data source', async () => {
  const { panels, schemaVersion, templating } = await readDashboard();
  expect(schemaVersion).toBeGreaterThanOrEqual(38);
  expect(templating.list.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'datasource datasource',
    'instance query',
  ]);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const graphs = panels.filter(({ type }) => type !== 'row');
  const blind = graphs.filter(
    ({ datasource, targets = [] }) => datasource?.uid !== '${datasource}' || targets.length === 0,
  );
  expect(blind.map(({ title }) => title)).toEqual([]);
  const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
    Array.from({ length: h * w }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(Math.max(...panels.map(({ gridPos: { w, x } }) => x + w))).toBe(24);
});

test('the page on monitoring names every alert', async () => {
  const page = await readFile(new URL('docs/monitoring.md', ROOT), 'utf8');
  for (const { alert } of alertsOf(await readAlerts())) expect(page).toContain(alert);
});

/** As GitHub makes it of a heading. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
