import type { ControlHandlers } from '../http/control-handlers.ts';
import type { AgentParts } from './agent-parts.ts';

/** What commands that do their work without the agent have it write into the audit log. */
export function auditHandlers({ audit }: Pick<AgentParts, 'audit'>): Pick<ControlHandlers, 'audit.note'> {
  return {
    'audit.note': async (note) => {
      await audit.append({ event: 'put-back', ...note });
      return {};
    },
  };
}
