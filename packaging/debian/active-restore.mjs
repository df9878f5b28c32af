// Reads what `lifeboat restore status -o json` printed, and prints the restore that goes on, if one does.
import { readFileSync } from 'node:fs';

const ENDED = ['finished', 'aborted', 'rolled-back', 'stuck'];

// Nothing, or an error, when no agent answers.
const { operations = [] } = JSON.parse(readFileSync(0, 'utf8') || '{}');
const active = operations.find(({ phase }) => !ENDED.includes(phase));
if (active !== undefined) console.log(`${active.operation} (${active.phase})`);
