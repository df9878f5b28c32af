import { resolve } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import { formatCount } from '../base/units.ts';
import { LARGEST_BUMP, planRequest, type PlanRequest } from '../formats/control.ts';

/** The options of `restore plan` and `restore run`, as commander gives them. */
export interface PlanOptions {
  readonly snapshot?: string;
  readonly file?: string;
  readonly fromMember?: string;
  readonly skipHashCheck?: boolean;
  readonly reason?: string;
  readonly discardCurrent?: boolean;
  readonly allowForeign?: boolean;
  readonly allowNewerSnapshot?: boolean;
  readonly disarmAlarms?: boolean;
  readonly bumpRevision?: string | false;
  /** `false` for `--no-rehearsal`; commander gives `true` without it. */
  readonly rehearsal?: boolean;
  readonly without?: readonly string[];
}

/** The flags of these options that were given, as they are typed. */
export function givenPlanFlags(options: PlanOptions): string[] {
  const flags: Record<keyof PlanOptions, string> = {
    snapshot: '--snapshot',
    file: '--file',
    fromMember: '--from-member',
    skipHashCheck: '--skip-hash-check',
    reason: '--reason',
    discardCurrent: '--discard-current',
    allowForeign: '--allow-foreign',
    allowNewerSnapshot: '--allow-newer-snapshot',
    disarmAlarms: '--disarm-alarms',
    bumpRevision: options.bumpRevision === false ? '--no-bump-revision' : '--bump-revision',
    rehearsal: '--no-rehearsal',
    without: '--without',
  };
  const { rehearsal, ...others } = options;
  const given: PlanOptions = rehearsal === false ? options : others;
  return Object.entries(flags)
    .filter(([name]) => given[name as keyof PlanOptions] !== undefined)
    .map(([, flag]) => flag);
}

/**
 * What to ask the agent for. A file's path becomes absolute, since the agent has another working directory.
 *
 * @throws {AgentError} `USAGE` for options that contradict each other, or that lack their other half.
 */
export function planRequestOf(options: PlanOptions, workingDirectory: string): PlanRequest {
  const { skipHashCheck = false, reason, without = [] } = options;
  if (skipHashCheck !== (reason !== undefined)) {
    throw new AgentError(
      'USAGE',
      '--skip-hash-check and --reason go together: say why the check may be skipped',
    );
  }
  const parsed = planRequest.safeParse({
    source: sourceOf(options, workingDirectory),
    skipHashCheck,
    ...(reason === undefined ? {} : { reason }),
    ...allowancesOf(options),
    ...(options.bumpRevision === undefined ? {} : { bumpRevision: bumpOf(options.bumpRevision) }),
    ...(options.rehearsal === false ? { rehearse: false } : {}),
    without: [...new Set(without)],
  });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.map(String).join('.')}: ${issue.message}`,
  );
  throw new AgentError('USAGE', problems.join('; '));
}

function allowancesOf(options: PlanOptions) {
  const { discardCurrent = false, allowForeign = false, allowNewerSnapshot, disarmAlarms = false } = options;
  const newer = allowNewerSnapshot === undefined ? {} : { allowNewerSnapshot };
  return { discardCurrent, allowForeign, ...newer, disarmAlarms };
}

/** Thousands may be set off, as the plan prints them: `1,000,000,000` or `1_000_000_000`. */
function bumpOf(said: string | false): number | false {
  if (said === false) return false;
  const amount = /^\d[\d,_]*$/.test(said) ? Number(said.replaceAll(/[,_]/g, '')) : 0;
  if (amount >= 1 && amount <= LARGEST_BUMP) return amount;
  throw new AgentError(
    'USAGE',
    `--bump-revision takes a whole number from 1 to ${formatCount(LARGEST_BUMP)}, and got ${said}; for none say --no-bump-revision`,
  );
}

function sourceOf(options: PlanOptions, workingDirectory: string): PlanRequest['source'] {
  const { snapshot, file, fromMember } = options;
  const sources = givenPlanFlags({
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(file === undefined ? {} : { file }),
    ...(fromMember === undefined ? {} : { fromMember }),
  });
  if (sources.length > 1) throw new AgentError('USAGE', `${sources.join(' and ')} exclude each other`);
  if (file !== undefined) return { from: 'file', path: resolve(workingDirectory, file) };
  if (fromMember !== undefined) return { from: 'member', agent: fromMember };
  return snapshot === undefined || snapshot === 'latest'
    ? { from: 'latest' }
    : { from: 'snapshot', id: snapshot };
}
