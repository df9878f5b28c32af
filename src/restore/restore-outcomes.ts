import { open, stat } from 'node:fs/promises';
import { systemCodeOf } from '../base/agent-error.ts';
import { auditPath } from './audit.ts';

/** How the restores of this host ended, by outcome. */
export type RestoreOutcomes = Readonly<Record<OutcomeWord, number>>;

const OUTCOMES = ['finished', 'aborted', 'rolled-back', 'stuck'] as const;
type OutcomeWord = (typeof OUTCOMES)[number];

/**
 * Counts the restores in the audit log, which outlives the journals. The file is read again only when it changed; a line
 * that cannot be read is passed over, because people may move and cut the file.
 */
export class RestoreOutcomeCounts {
  readonly #path: string;
  #seen = '';
  #counts: RestoreOutcomes = nothingYet();

  constructor(stateDir: string) {
    this.#path = auditPath(stateDir);
  }

  async read(): Promise<RestoreOutcomes> {
    const seen = await this.#fingerprint();
    if (seen !== this.#seen) {
      this.#counts = seen === '' ? nothingYet() : await countLines(this.#path);
      this.#seen = seen;
    }
    return this.#counts;
  }

  /** Empty where there is no file: no restore ended here yet. */
  async #fingerprint(): Promise<string> {
    try {
      const { ino, size, mtimeNs } = await stat(this.#path, { bigint: true });
      return `${ino} ${size} ${mtimeNs}`;
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return '';
      throw error;
    }
  }
}

async function countLines(path: string): Promise<RestoreOutcomes> {
  const counts = { ...nothingYet() };
  await using file = await open(path, 'r');
  for await (const line of file.readLines()) {
    const outcome = outcomeIn(line);
    if (outcome !== undefined) counts[outcome] += 1;
  }
  return counts;
}

function outcomeIn(line: string): OutcomeWord | undefined {
  try {
    const { outcome } = JSON.parse(line) as { outcome?: unknown };
    return OUTCOMES.find((word) => word === outcome);
  } catch {
    return undefined;
  }
}

function nothingYet(): RestoreOutcomes {
  return { finished: 0, aborted: 0, 'rolled-back': 0, stuck: 0 };
}
