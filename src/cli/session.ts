import type { AgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import type { ThreadProgram } from '../base/run-in-thread.ts';
import type { ControlMethod, ControlParams, ControlResult } from '../formats/control.ts';
import { loadConfig } from '../config/load-config.ts';
import { callAgent } from './control-client.ts';
import { paintFor, type Paint } from './paint.ts';
import { openProgressDisplay, type ProgressDisplay } from './progress-display.ts';
import { isInteractive, type Terminal } from './terminal.ts';

/** What the process gives to the command line. */
export interface Surroundings {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly release: string;
  readonly workingDirectory: string;
  /** The file that runs: a package has its other files beside it. */
  readonly programFile: string;
  readonly threadProgram: ThreadProgram;
  /** Who runs it; 0 is root. */
  readonly userId: number;
  /** Who types: goes into the audit log of a restore. */
  readonly requestedBy: string;
  /** LIFEBOAT_SOCKET and LIFEBOAT_CONFIG, where they are set. */
  readonly controlSocket?: string;
  readonly configFile?: string;
  /** Where signals arrive: the process. */
  readonly signals: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
  /** Aborted when nobody reads stdout any more. */
  readonly stdoutGone: AbortSignal;
  /** Ends the process at once. */
  readonly endNow: (exitStatus: number) => void;
}

export interface GlobalOptions {
  readonly socket?: string;
  readonly config?: string;
  readonly output: 'text' | 'json';
}

const DEFAULT_SOCKET = '/run/etcd-lifeboat/control.sock';
const DEFAULT_CONFIG = '/etc/etcd-lifeboat/config.yaml';

/** One command at work: what it was told, and its ways out. */
export class Session {
  readonly surroundings: Surroundings;
  readonly #options: GlobalOptions;

  constructor(options: GlobalOptions, surroundings: Surroundings) {
    this.surroundings = surroundings;
    this.#options = options;
  }

  get isJson(): boolean {
    return this.#options.output === 'json';
  }

  /** Whether a question can be put to a person. */
  get canAsk(): boolean {
    return !this.isJson && isInteractive(this.surroundings.terminal);
  }

  get configFile(): string {
    return this.#options.config ?? this.surroundings.configFile ?? DEFAULT_CONFIG;
  }

  /** How a command for this same agent begins, to be shown to the operator. */
  get commandPrefix(): string {
    const { socket, config } = this.#options;
    if (socket !== undefined) return `lifeboat --socket ${socket}`;
    return config === undefined ? 'lifeboat' : `lifeboat --config ${config}`;
  }

  /** `--socket`, else what the file of `--config` says, else LIFEBOAT_SOCKET, else where packages put it. */
  async socketPath(): Promise<string> {
    const { socket, config } = this.#options;
    if (socket !== undefined) return socket;
    if (config !== undefined) return (await loadConfig(config)).agent.controlSocket;
    return this.surroundings.controlSocket ?? DEFAULT_SOCKET;
  }

  /** Asks the agent, and shows meanwhile how far it is. Throws what `callAgent` throws. */
  async call<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<ControlResult<M>> {
    const socketPath = await this.socketPath();
    const display = this.openProgress();
    try {
      return await callAgent({
        socketPath,
        method,
        params,
        signal: this.surroundings.stdoutGone,
        onProgress: (progress) => display?.show(progress),
      });
    } finally {
      display?.clear();
    }
  }

  /** Where to show work under way. `undefined` where nobody would look: who reads JSON wants no running commentary on stderr, but at a terminal. */
  openProgress(): ProgressDisplay | undefined {
    const { terminal, clock } = this.surroundings;
    const isSilent = this.isJson && terminal.stderr.isTTY !== true;
    return isSilent ? undefined : openProgressDisplay(terminal.stderr, clock);
  }

  /** Prints a result: as one JSON document, or as the lines that `text` makes of it. */
  print<T>(result: T, text: (result: T, paint: Paint) => readonly string[]): void {
    if (this.isJson) this.printJson(result);
    else this.printText(text(result, paintFor(this.surroundings.terminal.stdout)));
  }

  printJson(value: unknown): void {
    this.surroundings.terminal.stdout.write(`${JSON.stringify(value)}\n`);
  }

  printText(lines: readonly string[]): void {
    this.surroundings.terminal.stdout.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** A word to the person beside the result. A program that reads JSON is spared it. */
  say(lines: readonly string[]): void {
    if (!this.isJson) this.surroundings.terminal.stderr.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** A failure that belongs to a command that did its work: on stderr; the JSON result holds it already. */
  complain(error: AgentError): void {
    this.say(errorText(error));
  }
}

/** A failure for people: what it is, then what to do. */
export function errorText(error: AgentError): string[] {
  const { proposals } = error.details;
  return [
    `error ${error.code}: ${error.message}`,
    `hint: ${error.hint}`,
    // A plan that is refused comes with what can be done instead.
    ...(Array.isArray(proposals) && proposals.length > 0
      ? [
          'what can be done, the least destructive first:',
          ...proposals.map((words) => `  - ${String(words)}`),
        ]
      : []),
  ];
}
