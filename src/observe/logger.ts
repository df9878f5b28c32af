import { destination, pino, type DestinationStream } from 'pino';
import { cleanFields } from './clean-fields.ts';
import type { Log, LogFields } from './log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

interface LoggerOptions {
  /** The least that is logged. */
  readonly level: LogLevel;
  /** Stands in every line: the agent's name. */
  readonly name: string;
  /** Takes one line at a time. Without it: stderr. */
  readonly sink?: DestinationStream;
}

const STDERR = 2;

/** The one log: a JSON object a line, `{"level", "time", "name", …fields, "message"}`, with ISO 8601 times in UTC. */
export function createLogger(options: LoggerOptions): Log & { flush(): void } {
  const { sink, flush } =
    options.sink === undefined ? openStderr() : { sink: options.sink, flush: () => undefined };
  const logger = pino(
    {
      level: options.level,
      base: { name: options.name },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Fields are clean when they get here; the library's own idea of an error would drop code and hint.
      serializers: { err: (value: unknown) => value },
    },
    sink,
  );
  return { ...logWith(logger, {}), flush };
}

/** Written at once: the last lines before a crash are those that matter. */
function openStderr(): { sink: DestinationStream; flush: () => void } {
  const sink = destination({ dest: STDERR, sync: true });
  // A reader that went away is no reason to stop guarding a cluster, and there is nowhere left to say so.
  sink.on('error', () => undefined);
  return {
    sink,
    flush: () => {
      sink.flushSync();
    },
  };
}

function logWith(logger: pino.Logger, bound: LogFields): Log {
  const at =
    (level: LogLevel) =>
    (fields: LogFields, message: string): void => {
      if (logger.isLevelEnabled(level)) logger[level](cleanFields({ ...bound, ...fields }), message);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => logWith(logger, { ...bound, ...fields }),
  };
}
