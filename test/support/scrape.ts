/** One line of a metrics page. */
interface ScrapedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** `/metrics` as a program reads it. */
export interface Scraped {
  readonly text: string;
  readonly samples: readonly ScrapedSample[];
  /** The value with exactly these labels, or `undefined`. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

export async function scrape(monitoringUrl: string): Promise<Scraped> {
  const response = await fetch(`${monitoringUrl}/metrics`);
  const text = await response.text();
  if (!response.ok) throw new Error(`the scrape ended with ${response.status}: ${text}`);
  const samples = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseSample);
  return {
    text,
    samples,
    value: (name, labels = {}) =>
      samples.find((one) => one.name === name && sameLabels(one.labels, labels))?.value,
  };
}

function parseSample(line: string): ScrapedSample {
  const [, name = '', inner = '', value = ''] =
    /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === '') throw new Error(`not a sample: ${line}`);
  const labels = [...inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, label = '', text = '']) => [label, text] as const,
  );
  return { name, labels: Object.fromEntries(labels), value: Number(value) };
}

function sameLabels(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
