import { open } from 'node:fs/promises';
import { AgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';
import { completeConfig, configSchema, type Config } from './config-schema.ts';
import { crossProblems, type SoundSections } from './cross-checks.ts';
import { explainIssue } from './explain-issue.ts';
import type { Problem } from './problem.ts';
import { readEtcdFile } from './read-etcd-file.ts';
import { readYaml, type Place } from './yaml-text.ts';

const MAX_FILE_BYTES = 256 * 1024;

/** What only other rooms can judge. */
export interface ConfigChecks {
  /** What keeps the scheduler from running this expression in this time zone, if anything. */
  readonly scheduleProblem?: (cron: string, timeZone: string) => string | undefined;
  /** The content of etcd's own configuration file, where the supervisor's command names one. */
  readonly etcdFile?: unknown;
}

/**
 * Reads the one configuration file.
 *
 * @throws {AgentError} `FILE_UNREADABLE`; `CONFIG_INVALID` with every problem on a line of its own,
 *   `file:line:col path: what is wrong`, also in `details.problems`.
 */
export async function loadConfig(path: string, checks: ConfigChecks = {}): Promise<Config> {
  const text = await readText(path);
  const etcdFile = await readEtcdFile(soundSections(withEmptySections(readYaml(text).value)).supervisor);
  return parseConfig(text, path, { etcdFile, ...checks });
}

/** `loadConfig` for text that was read already; `fileName` is what the problems are prefixed with. */
export function parseConfig(text: string, fileName: string, checks: ConfigChecks = {}): Config {
  const yaml = readYaml(text);
  if (yaml.syntaxProblems.length > 0) throw invalid(fileName, yaml.syntaxProblems);
  const raw = withEmptySections(yaml.value);
  const parsed = configSchema.safeParse(raw);
  const issues = parsed.error?.issues ?? [];
  const sections = soundSections(raw);
  const problems = [
    ...issues.flatMap((issue) => explainIssue(issue, raw)),
    ...crossProblems(sections, checks.etcdFile),
    ...scheduleProblems(sections, checks),
  ];
  if (parsed.success && problems.length === 0) return completeConfig(parsed.data);
  throw invalid(
    fileName,
    problems.map((problem) => ({
      ...yaml.placeOf(problem),
      message: `${pathOf(problem)}: ${problem.message}`,
    })),
  );
}

/** An expression that is well-formed and yet never due, such as the 30th of February. */
function scheduleProblems(sections: SoundSections, { scheduleProblem }: ConfigChecks): Problem[] {
  return (['snapshots', 'drill'] as const).flatMap((section) => {
    const schedule = sections[section]?.schedule;
    if (schedule === undefined) return [];
    const message = scheduleProblem?.(schedule.cron, schedule.timeZone);
    return message === undefined ? [] : [{ path: [section, 'schedule', 'cron'], message }];
  });
}

async function readText(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const chunks: Buffer[] = [];
    for await (const chunk of file.createReadStream({ end: MAX_FILE_BYTES })) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    if (bytes.length > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const reason = systemCodeOf(cause) ?? messageOf(cause);
    throw new AgentError('FILE_UNREADABLE', `${path} could not be read: ${reason}`, {
      cause,
      details: { path },
    });
  }
}

/** A section whose keys are all commented out is null in YAML; it means: the defaults. */
function withEmptySections(value: unknown): unknown {
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, section]) => [name, section ?? {}]));
}

/** Each section by itself, so that one misspelt key does not hide what the others contradict. */
function soundSections(raw: unknown): SoundSections {
  if (typeof raw !== 'object' || raw === null) return {};
  const section = (name: string): unknown => (raw as Readonly<Record<string, unknown>>)[name];
  const { agent, etcd, supervisor, mesh, monitoring, snapshots, drill } = configSchema.shape;
  return {
    agent: agent.safeParse(section('agent')).data,
    etcd: etcd.safeParse(section('etcd')).data,
    supervisor: supervisor.safeParse(section('supervisor')).data,
    mesh: mesh.safeParse(section('mesh')).data,
    monitoring: monitoring.safeParse(section('monitoring')).data,
    snapshots: snapshots.safeParse(section('snapshots')).data,
    drill: drill.safeParse(section('drill')).data,
  };
}

function pathOf(problem: Problem): string {
  return problem.path.map((part) => (isPlainWord(part) ? String(part) : '…')).join('.') || '(top level)';
}

/** A key that looks like no key of ours may be a secret that slipped to the left of a colon. */
function isPlainWord(part: string | number): boolean {
  return typeof part === 'number' || /^[A-Za-z][A-Za-z_-]{0,29}$/.test(part);
}

function invalid(fileName: string, problems: readonly (Place & { readonly message: string })[]): AgentError {
  const lines = problems
    .toSorted((left, right) => left.line - right.line || left.col - right.col)
    .map(({ line, col, message }) => `${fileName}:${line}:${col} ${message}`);
  return new AgentError('CONFIG_INVALID', lines.join('\n'), { details: { file: fileName, problems: lines } });
}
