import { join } from 'node:path';
import type { ControlMethod } from '../../src/formats/control.ts';
import { CONTROL_METHODS } from '../../src/formats/control.ts';
import type { ControlHandlers } from '../../src/http/control-handlers.ts';
import { openControlServer, type ControlServer } from '../../src/http/control-server.ts';
import type { Log, LogFields } from '../../src/observe/log.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface ControlAgent extends AsyncDisposable {
  readonly socketPath: string;
  readonly server: ControlServer;
  /** What was logged, as `level message`. */
  readonly logged: readonly string[];
}

/** The real control socket in a directory of its own, in front of hand-made handlers. The rest answer with a defect. */
export async function startControlAgent(handlers: Partial<ControlHandlers>): Promise<ControlAgent> {
  const directory = await temporaryDirectory();
  const socketPath = join(directory.path, 'control.sock');
  const logged: string[] = [];
  const server = await openControlServer({
    socketPath,
    handlers: withDefects(handlers),
    log: collectLog(logged),
  });
  return {
    socketPath,
    server,
    logged,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Every method that is not given fails in a way that no handler should. */
export function withDefects(handlers: Partial<ControlHandlers>): ControlHandlers {
  const defect = (): Promise<never> => Promise.reject(new Error('no handler for this method'));
  const methods = Object.keys(CONTROL_METHODS) as ControlMethod[];
  return { ...Object.fromEntries(methods.map((method) => [method, defect])), ...handlers } as ControlHandlers;
}

export function collectLog(lines: string[]): Log {
  const at = (level: string) => (_fields: LogFields, message: string) => {
    lines.push(`${level} ${message}`);
  };
  const log: Log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: () => log,
  };
  return log;
}
