import { Counter, Gauge, Registry } from 'prom-client';
import { METRICS, type MetricDefinition, type MetricName } from './metric-definitions.ts';

type LabelOf<Name extends MetricName> = (typeof METRICS)[Name] extends { labels: readonly (infer Label)[] }
  ? Label & string
  : never;

/** One line of `/metrics`. Made by `sample`, which sees to it that the labels fit the name. */
export interface Sample {
  readonly name: MetricName;
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

export function sample<Name extends MetricName>(
  name: Name,
  value: number | boolean,
  ...labels: [LabelOf<Name>] extends [never] ? [] : [Readonly<Record<LabelOf<Name>, string>>]
): Sample {
  return { name, value: Number(value), labels: labels[0] ?? {} };
}

/** What `renderMetrics` writes. */
export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * The text of `/metrics`: the families that have samples, in the order of their definitions. Nothing is counted here.
 * Each page is made of what its caller saw or read back, so that counters agree with the records on disk. The library's
 * default metrics stay out: their timer wakes the process a hundred times a second.
 *
 * This is the only place that knows the library.
 */
export async function renderMetrics(samples: readonly Sample[]): Promise<string> {
  const registry = new Registry();
  for (const [name, definition] of Object.entries(METRICS)) {
    const own = samples.filter((one) => one.name === name);
    if (own.length > 0) addFamily(registry, { name, ...definition }, own);
  }
  return await registry.metrics();
}

function addFamily(
  registry: Registry,
  { name, type, help, labels: labelNames = [] }: MetricDefinition & { readonly name: string },
  samples: readonly Sample[],
): void {
  const options = { name, help, labelNames, registers: [registry] };
  if (type === 'gauge') {
    const gauge = new Gauge(options);
    for (const { labels, value } of samples) gauge.set(labels, value);
  } else {
    const counter = new Counter(options);
    for (const { labels, value } of samples) counter.inc(labels, value);
  }
}
