import { join } from 'node:path';
import { z } from 'zod';
import { agentSection } from './agent-section.ts';
import { drillSection } from './drill-section.ts';
import { etcdSection } from './etcd-section.ts';
import { meshSection } from './mesh-section.ts';
import { monitoringSection } from './monitoring-section.ts';
import { restoreSection } from './restore-section.ts';
import { snapshotsSection } from './snapshots-section.ts';
import { supervisorSection } from './supervisor-section.ts';

/** The whole file. A key it does not know is refused: a misspelt one would otherwise be a default nobody chose. */
export const configSchema = z.strictObject({
  agent: agentSection,
  etcd: etcdSection,
  supervisor: supervisorSection,
  mesh: meshSection.prefault({}),
  monitoring: monitoringSection.prefault({}),
  snapshots: snapshotsSection.prefault({}),
  restore: restoreSection.prefault({}),
  drill: drillSection.prefault({}),
});

/** The sections as the operator said them, with the defaults that do not depend on other keys. */
export type ConfigSections = z.output<typeof configSchema>;

type SnapshotsConfig = ConfigSections['snapshots'] & { directory: string };
type ProcessSupervisorConfig = Extract<ConfigSections['supervisor'], { kind: 'process' }> & {
  logFile: string;
};
type SupervisorConfig = Exclude<ConfigSections['supervisor'], { kind: 'process' }> | ProcessSupervisorConfig;

/** What the agent runs by: every default applied, every derived path filled in. Keys and units are those of the file. */
export interface Config {
  readonly agent: Readonly<ConfigSections['agent']>;
  readonly etcd: Readonly<ConfigSections['etcd']>;
  readonly supervisor: Readonly<SupervisorConfig>;
  readonly mesh: Readonly<ConfigSections['mesh']>;
  readonly monitoring: Readonly<ConfigSections['monitoring']>;
  readonly snapshots: Readonly<SnapshotsConfig>;
  readonly restore: Readonly<ConfigSections['restore']>;
  readonly drill: Readonly<ConfigSections['drill']>;
}

/** Fills in the paths that follow from `agent.stateDir`. */
export function completeConfig(sections: ConfigSections): Config {
  const { agent, supervisor, snapshots } = sections;
  return {
    ...sections,
    supervisor:
      supervisor.kind === 'process'
        ? { ...supervisor, logFile: supervisor.logFile ?? join(agent.stateDir, 'etcd.log') }
        : supervisor,
    snapshots: { ...snapshots, directory: snapshots.directory ?? join(agent.stateDir, 'snapshots') },
  };
}
