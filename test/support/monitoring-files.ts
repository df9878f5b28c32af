import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

const ROOT = new URL('../../', import.meta.url);

export const ALERTS_FILE = new URL('docs/monitoring/alerts.yaml', ROOT);
const DASHBOARD_FILE = new URL('docs/monitoring/grafana-dashboard.json', ROOT);

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface AlertFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[];
}

export interface DashboardPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
}

export interface Dashboard {
  readonly title: string;
  readonly uid: string;
  readonly schemaVersion: number;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query?: unknown }[];
  };
  readonly panels: readonly DashboardPanel[];
}

export async function readAlerts(): Promise<AlertFile> {
  return parse(await readFile(ALERTS_FILE, 'utf8')) as AlertFile;
}

export async function readDashboard(): Promise<Dashboard> {
  return JSON.parse(await readFile(DASHBOARD_FILE, 'utf8')) as Dashboard;
}

export function alertsOf({ groups }: AlertFile): AlertRule[] {
  return groups.flatMap(({ rules }) => rules);
}

/** The queries of the dashboard, with what Grafana fills in filled in. */
export function dashboardQueries({ panels }: Dashboard): string[] {
  return panels
    .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    .map((expr) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', 'h1:7401'));
}

/** Every metric that an expression names, `up` aside: Prometheus makes that one. */
export function metricsIn(expression: string): string[] {
  return [...new Set(expression.match(/\b(?:etcd_lifeboat|process)_[a-z_]+/g) ?? [])];
}
