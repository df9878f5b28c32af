import { openCommandSupervisor, type CommandSupervisorOptions } from './command.ts';
import { openProcessSupervisor, type ProcessOptions } from './process.ts';
import type { Supervisor, SupervisorContext } from './supervisor.ts';
import { openSystemdSupervisor, type SystemdOptions } from './systemd.ts';

export type SupervisorOptions = SystemdOptions | ProcessOptions | CommandSupervisorOptions;

/** The supervisor that the settings name. A hold that an earlier agent left is in force again when this resolves. */
export async function openSupervisor(
  options: SupervisorOptions,
  context: SupervisorContext,
  signal: AbortSignal,
): Promise<Supervisor> {
  switch (options.kind) {
    case 'systemd':
      return await openSystemdSupervisor(options, context);
    case 'process':
      return await openProcessSupervisor(options, context);
    case 'command':
      return await openCommandSupervisor(options, context, signal);
  }
}
