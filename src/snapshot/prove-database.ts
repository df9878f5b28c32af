/**
 * Proves a database that carries no hash: makes a throw-away data dir of it, or more. The file itself is only read.
 * Handed in by agent/, because the restore tool is no business of this room.
 *
 * @returns How it was proved, in words for the manifest.
 * @throws {AgentError} with what is wrong with the file.
 */
export type ProveDatabase = (path: string, signal: AbortSignal) => Promise<{ readonly by: string }>;
