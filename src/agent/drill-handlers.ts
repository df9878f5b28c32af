import { AgentError } from '../base/agent-error.ts';
import type { DrillReport } from '../drill/run-drill.ts';
import type { DrillResult } from '../formats/control.ts';
import type { ControlHandlers } from '../http/control-handlers.ts';
import type { AgentParts } from './agent-parts.ts';

/** What `lifeboat drill …` asks of the agent. */
export function drillHandlers(parts: AgentParts): Pick<ControlHandlers, 'drill.run'> {
  const { drills, operations } = parts;
  return {
    'drill.run': async ({ id }, { signal, onProgress }) => {
      const { boundBy } = operations;
      if (boundBy !== undefined)
        throw new AgentError('OPERATION_IN_PROGRESS', `the restore ${boundBy} binds this host`);
      return resultOf(await drills.run({ id }, signal, onProgress));
    },
  };
}

function resultOf({ manifest, etcdVersion, tool, booted, durationMs }: DrillReport): DrillResult {
  const { revision, keyCount, hash } = booted.served;
  const served = { revision, keyCount, hash };
  return { manifest, etcdVersion, tool, served, readFrom: booted.readFrom, durationMs };
}
