import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import {
  ALERTS_FILE,
  alertsOf,
  dashboardQueries,
  readAlerts,
  readDashboard,
} from '../../support/monitoring-files.ts';
import { HAS_PROMTOOL, promtool } from '../../support/promtool.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const RULE_TESTS = join(import.meta.dirname, 'alerts.promtool.yaml');

test.skipIf(!HAS_PROMTOOL)(
  'Prometheus takes the alerting rules (skipped where promtool is missing)',
  async () => {
    const { exitCode, output } = await promtool(['check', 'rules', fileURLToPath(ALERTS_FILE)]);
    expect(output).toContain('SUCCESS');
    expect(exitCode).toBe(0);
  },
);

test.skipIf(!HAS_PROMTOOL)(
  'each alert fires when it should and at no other time (skipped where promtool is missing)',
  async () => {
    await using scratch = await temporaryDirectory();
    const rules = await readAlerts();
    const bare = {
      groups: rules.groups.map((group) => ({
        ...group,
        rules: group.rules.map(({ annotations: _texts, ...rule }) => rule),
      })),
    };
    await writeFile(join(scratch.path, 'alerts.yaml'), stringify(bare));
    await copyFile(RULE_TESTS, join(scratch.path, 'test.yaml'));

    const { exitCode, output } = await promtool(['test', 'rules', join(scratch.path, 'test.yaml')]);

    expect(output).not.toContain('FAILED');
    expect(exitCode).toBe(0);
  },
);

test('every alert has a case in which it fires', async () => {
  const cases = await readFile(RULE_TESTS, 'utf8');
  for (const { alert } of alertsOf(await readAlerts())) {
    expect(cases).toMatch(new RegExp(`alertname: ${alert}\\n +eval_time: \\S+\\n +exp_alerts:\\n? +- `));
  }
});

test.skipIf(!HAS_PROMTOOL)(
  'Prometheus takes every query of the dashboard (skipped where promtool is missing)',
  async () => {
    await using scratch = await temporaryDirectory();
    const rules = dashboardQueries(await readDashboard()).map((expr, index) => ({
      record: `dashboard:query_${index}`,
      expr,
    }));
    expect(rules.length).toBeGreaterThan(20);
    const path = join(scratch.path, 'queries.yaml');
    await writeFile(path, stringify({ groups: [{ name: 'dashboard', rules }] }));

    const { exitCode, output } = await promtool(['check', 'rules', path]);

    expect(output).toContain('SUCCESS');
    expect(exitCode).toBe(0);
  },
);
