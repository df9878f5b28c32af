import type { EtcdState } from './supervisor.ts';

/** What `systemctl show` says of a unit. */
export interface UnitFacts {
  readonly loadState: string;
  readonly activeState: string;
  readonly subState: string;
  readonly result: string;
  /** 0 when there is none. */
  readonly mainPid: number;
  readonly exitStatus: number;
  /** And the assertions, which are conditions whose failure is an error. */
  readonly conditionsMet: boolean;
  readonly jobPending: boolean;
  readonly needsReload: boolean;
  /** The unit file, then its drop-ins in the order they apply. */
  readonly files: readonly string[];
  /** ISO 8601. */
  readonly startedAt: string | undefined;
}

/** The properties that `parseUnitFacts` reads. */
export const UNIT_PROPERTIES = [
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'MainPID',
  'ExecMainStatus',
  'ExecMainStartTimestamp',
  'ConditionResult',
  'AssertResult',
  'Job',
  'NeedDaemonReload',
  'FragmentPath',
  'DropInPaths',
] as const;

/**
 * Reads the output of `systemctl show`, run with TZ=UTC: that gives times that every systemd prints alike, while
 * `--timestamp=unix` is refused by those of long-term distributions.
 */
export function parseUnitFacts(output: string): UnitFacts {
  const values = new Map<string, string>();
  for (const line of output.split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0) values.set(line.slice(0, equals), line.slice(equals + 1).trim());
  }
  const value = (name: (typeof UNIT_PROPERTIES)[number]): string => values.get(name) ?? '';
  return {
    loadState: value('LoadState'),
    activeState: value('ActiveState'),
    subState: value('SubState'),
    result: value('Result'),
    mainPid: Number(value('MainPID')) || 0,
    exitStatus: Number(value('ExecMainStatus')) || 0,
    conditionsMet: value('ConditionResult') === 'yes' && value('AssertResult') === 'yes',
    jobPending: !['', '0'].includes(value('Job')),
    needsReload: value('NeedDaemonReload') === 'yes',
    files: `${value('FragmentPath')} ${value('DropInPaths')}`.split(' ').filter((path) => path !== ''),
    startedAt: isoTime(value('ExecMainStartTimestamp')),
  };
}

/** The unit's state in the port's words. While it is being stopped its process is still there: `running`. */
export function etcdStateOf(facts: UnitFacts): EtcdState {
  const detail = `${facts.activeState} (${facts.subState}), result ${facts.result}, exit status ${facts.exitStatus}`;
  const state = stateName(facts);
  const running = state === 'running' || state === 'starting';
  return {
    state,
    detail,
    ...(running && facts.mainPid > 0 ? { pid: facts.mainPid } : {}),
    ...(running && facts.startedAt !== undefined ? { startedAt: facts.startedAt } : {}),
  };
}

function stateName(facts: UnitFacts): EtcdState['state'] {
  switch (facts.activeState) {
    case 'active':
      // A unit with RemainAfterExit= stays active without a process.
      return facts.mainPid > 0 ? 'running' : 'stopped';
    case 'reloading':
    case 'refreshing':
    case 'deactivating':
      return 'running';
    case 'activating':
      return 'starting';
    case 'failed':
    case 'maintenance':
      return 'failed';
    default:
      return 'stopped';
  }
}

/** `Mon 2026-11-23 14:54:02 UTC` → `2026-11-23T14:54:02Z`. */
function isoTime(text: string): string | undefined {
  const match = /(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) UTC/.exec(text);
  return match === null ? undefined : `${match[1] ?? ''}T${match[2] ?? ''}Z`;
}
