import { join } from 'node:path';
import { AgentError, asAgentError } from '../base/agent-error.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import { lastLines, runCommand, type CommandResult } from '../base/run-command.ts';
import { formatDuration } from '../base/units.ts';
import { fingerprintFile, requireUntouched } from './file-fingerprint.ts';
import { restoreArguments, type RestoreArguments } from './restore-arguments.ts';
import { findMissingParts, isAbsent, syncTree } from './restored-files.ts';
import { describeTool, toolEnvironment, type RestoreTool } from './restore-tool.ts';
import { watchGrowth } from './watch-growth.ts';

export interface RestoreRequest extends RestoreArguments {
  readonly tool: RestoreTool;
  /** Words before the tool's own: a program that runs it with less priority, say. */
  readonly launcher?: readonly string[] | undefined;
  /** The tool is ended when nothing below the data and WAL dir changed for this long. The total has no limit. */
  readonly stallMs: number;
  /** Each line that the tool prints. */
  readonly onLine?: ((line: string) => void) | undefined;
  readonly clock?: Clock | undefined;
}

export interface RestoredFiles {
  readonly databasePath: string;
  readonly walDir: string;
  readonly durationMs: number;
}

/** A tool reads its whole copy back to check the hash, and writes nothing meanwhile: 20 MB/s is a slow disk. */
const SLOW_READ_BYTES_PER_MS = 20_000;
/** The watch ends a tool that hangs; this is only what `runCommand` wants, in the range of a timer. */
const NO_FIXED_LIMIT_MS = 14 * 24 * 60 * 60_000;

/**
 * Lets the tool make a data dir from a snapshot, looks at what it made, and syncs it. Neither the data dir nor the WAL
 * dir may exist. The snapshot file is handed to the tool as it is, and its inode, size and times are compared after.
 *
 * On failure what the tool wrote stays: the caller removes its staging directory. etcd must not be started on it.
 *
 * @throws {AgentError} `RESTORE_TOOL_FAILED` with the tool's last lines, or with what is missing in its result;
 *   `SNAPSHOT_DAMAGED` when the tool (or anybody) changed the snapshot file; `NO_SPACE`; `CANCELLED`;
 *   `FILE_UNREADABLE` without a snapshot; what `restoreArguments` throws.
 */
export async function runRestore(request: RestoreRequest, signal: AbortSignal): Promise<RestoredFiles> {
  const args = restoreArguments(request.tool, request);
  const walDir = request.walDir ?? join(request.dataDir, 'member', 'wal');
  for (const path of [request.dataDir, walDir]) {
    if (await isAbsent(path)) continue;
    throw new AgentError('RESTORE_TOOL_FAILED', `${path} exists already; nothing was written`);
  }
  const before = await fingerprintFile(request.snapshotPath);
  const snapshotSizeBytes = Number(before.sizeBytes);
  let result: CommandResult;
  try {
    result = await runWatched(request, { args, walDir, snapshotSizeBytes }, signal);
  } finally {
    // Also after a failure: a changed snapshot is the worse news, and no other host may use it.
    await requireUntouched(request.snapshotPath, before);
  }
  await requireRestored(request, { walDir, snapshotSizeBytes, result });
  await syncTree(request.dataDir);
  if (request.walDir !== undefined) await syncTree(request.walDir);
  return {
    databasePath: join(request.dataDir, 'member', 'snap', 'db'),
    walDir,
    durationMs: result.durationMs,
  };
}

interface ToolRun {
  readonly args: readonly string[];
  readonly walDir: string;
  readonly snapshotSizeBytes: number;
}

async function runWatched(
  request: RestoreRequest,
  run: ToolRun,
  signal: AbortSignal,
): Promise<CommandResult> {
  const { tool, dataDir, onLine, clock = systemClock } = request;
  const unwatched = new AbortController();
  const ended = new AbortController();
  const quietLimitMs = request.stallMs + run.snapshotSizeBytes / SLOW_READ_BYTES_PER_MS;
  const watching = watchGrowth({ paths: [dataDir, run.walDir], quietLimitMs, clock }, ended.signal).then(
    (verdict) => {
      if (verdict === 'stalled') unwatched.abort(stallError(request, quietLimitMs));
    },
    // What cannot be watched could hang for ever.
    (error: unknown) => {
      unwatched.abort(error);
    },
  );
  try {
    const [program = tool.path, ...words] = [...(request.launcher ?? []), tool.path, ...run.args];
    return await runCommand(program, words, {
      signal: AbortSignal.any([signal, unwatched.signal]),
      timeoutMs: NO_FIXED_LIMIT_MS,
      env: toolEnvironment(tool),
      ...(onLine === undefined ? {} : { onLine }),
    });
  } catch (error) {
    throw asToolFailure(tool, unwatched.signal.aborted && !signal.aborted ? unwatched.signal.reason : error);
  } finally {
    ended.abort();
    await watching;
  }
}

function stallError(request: RestoreRequest, quietLimitMs: number): AgentError {
  const { tool, dataDir } = request;
  const limit = formatDuration(quietLimitMs);
  return new AgentError(
    'RESTORE_TOOL_FAILED',
    `${describeTool(tool)} wrote nothing below ${dataDir} for ${limit} and was ended`,
    { details: { quietLimitMs } },
  );
}

function asToolFailure(tool: RestoreTool, thrown: unknown): AgentError {
  const error = asAgentError(thrown);
  if (error.code === 'CANCELLED' || error.code === 'RESTORE_TOOL_FAILED') return error;
  return new AgentError('RESTORE_TOOL_FAILED', `${describeTool(tool)}: ${error.message}`, { cause: error });
}

interface Outcome {
  readonly walDir: string;
  readonly snapshotSizeBytes: number;
  readonly result: CommandResult;
}

async function requireRestored(request: RestoreRequest, outcome: Outcome): Promise<void> {
  const { tool, dataDir } = request;
  const { exitStatus } = outcome.result;
  const words = lastLines(outcome.result);
  if (exitStatus !== 0) {
    const code = /no space left on device/i.test(words) ? 'NO_SPACE' : 'RESTORE_TOOL_FAILED';
    throw new AgentError(code, `${describeTool(tool)} ended with exit status ${exitStatus}: ${words}`, {
      details: { exitStatus },
    });
  }
  const missing = await findMissingParts({ ...outcome, dataDir, toolVersion: tool.version });
  if (missing.length === 0) return;
  const found = `${describeTool(tool)} ended with exit status 0, yet ${missing.join('; ')}`;
  throw new AgentError('RESTORE_TOOL_FAILED', `${found}. It said: ${words}`, { details: { missing } });
}
