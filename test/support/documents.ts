import { readFile } from 'node:fs/promises';
import { format } from 'prettier';
import { ERROR_CODES, isErrorCode, type ErrorCode } from '../../src/base/error-codes.ts';
import { METRICS, type MetricDefinition } from '../../src/observe/metric-definitions.ts';
import { configKeys, type ConfigKey } from './config-keys.ts';

const ROOT = new URL('../../', import.meta.url);

export interface GeneratedDocument {
  readonly file: URL;
  readonly text: string;
}

/** The documents that are made from the source, as they should be. */
export async function generatedDocuments(): Promise<GeneratedDocument[]> {
  const source = await readFile(new URL('src/base/error-codes.ts', ROOT), 'utf8');
  const documents = [
    { name: 'docs/errors.md', text: errorsDocument(source) },
    { name: 'docs/configuration.md', text: configurationDocument(configKeys()) },
    { name: 'docs/metrics.md', text: metricsDocument() },
  ];
  return await Promise.all(
    documents.map(async ({ name, text }) => ({
      file: new URL(name, ROOT),
      text: await format(text, { parser: 'markdown', printWidth: 110 }),
    })),
  );
}

interface ErrorGroup {
  readonly title: string;
  readonly codes: readonly ErrorCode[];
}

/** The codes in the groups that the comments of error-codes.ts make. */
export function errorGroups(source: string): ErrorGroup[] {
  const groups: { title: string; codes: ErrorCode[] }[] = [];
  for (const line of source.split('\n')) {
    const title = /^ {2}\/\/ (.+)$/.exec(line)?.[1];
    if (title !== undefined) groups.push({ title, codes: [] });
    const code = /^ {2}([A-Z_]+): \{/.exec(line)?.[1];
    if (code !== undefined && isErrorCode(code)) groups.at(-1)?.codes.push(code);
  }
  return groups;
}

function errorsDocument(source: string): string {
  const sections = errorGroups(source).map(({ title, codes }) => {
    const rows = codes.map((code) => {
      const { exitStatus, hint, retryable } = ERROR_CODES[code];
      return `| \`${code}\` | ${exitStatus} | ${retryable ? 'yes' : 'no'} | ${cell(hint)} |`;
    });
    return `## ${title}\n\n| code | exit status | retry | what to do |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Error codes

Every failure has one of these codes: in the log (\`err.code\`), in JSON output, and between agents. A code is never renamed and
never means something else; new ones may come. *Retry* says whether the same call may succeed later without anyone
changing anything. The message beside the code says what was found.

Generated from \`src/base/error-codes.ts\` by \`npm run docs\`.

${sections.join('\n')}`;
}

function configurationDocument(keys: readonly ConfigKey[]): string {
  const sections = [...new Set(keys.map(({ path }) => sectionOf(path)))];
  const parts = sections.map((section) => {
    const own = keys.filter(({ path }) => sectionOf(path) === section);
    const head = own.find(({ path }) => path === section);
    const rows = own.filter(({ path }) => path !== section).map(row);
    return `## \`${section}\`\n\n${head?.description ?? ''}\n\n| key | value | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Configuration

One YAML file, \`/etc/etcd-lifeboat/config.yaml\` or what \`--config\` names. \`config.example.yaml\` shows every key in
place. A key that is not listed here is refused, so that a misspelt one does not silently become a default. Units are in the
names of the keys; paths are absolute; secrets are named by the file that holds them. \`lifeboat config check\` reports every
problem at once, each with line and column, and never repeats a value that could be a secret.

The agent reads the file when it starts, and never writes it.

Generated from the schemas in \`src/config/\` by \`npm run docs\`.

${parts.join('\n')}`;
}

function metricsDocument(): string {
  const metrics: readonly (readonly [string, MetricDefinition])[] = Object.entries(METRICS);
  const rows = metrics.map(
    ([name, { help, labels = [], type }]) =>
      `| \`${name}\` | ${type} | ${unitOf(name)} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${cell(help)} |`,
  );
  return `# Metrics

What \`/metrics\` of an agent exports; [monitoring.md](monitoring.md) says how to scrape it and what to alert on. A name is never
changed and never means something else; new ones may come. Times are Unix timestamps: an age is \`time()\` minus one of them.
Counters "over restarts" are read from the record that is named; the others begin at 0 when the agent starts, as Prometheus expects.

Generated from \`src/observe/metric-definitions.ts\` by \`npm run docs\`.

| metric | type | unit | labels | meaning |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

/** As Prometheus names them: the unit is the end of the name. */
function unitOf(name: string): string {
  if (name.endsWith('_timestamp_seconds') || name === 'process_start_time_seconds') return 'Unix time';
  return /_(seconds|bytes)(?:_total)?$/.exec(name)?.[1] ?? '';
}

function sectionOf(path: string): string {
  return /^[a-zA-Z]+/.exec(path)?.[0] ?? path;
}

function row(key: ConfigKey): string {
  const fallback =
    key.fallback === undefined ? (key.required ? 'required' : '') : `\`${JSON.stringify(key.fallback)}\``;
  return `| \`${key.path}\` | ${key.type} | ${fallback} | ${cell(key.description)} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/(^|[^\w`])_/g, '$1\\_');
}
