interface CronField {
  readonly name: string;
  readonly lowest: number;
  readonly highest: number;
  readonly words?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const SECOND: CronField = { name: 'second', lowest: 0, highest: 59 };
const FIELDS: readonly CronField[] = [
  { name: 'minute', lowest: 0, highest: 59 },
  { name: 'hour', lowest: 0, highest: 23 },
  { name: 'day of month', lowest: 1, highest: 31 },
  { name: 'month', lowest: 1, highest: 12, words: MONTHS },
  { name: 'day of week', lowest: 0, highest: 7, words: WEEKDAYS },
];

/**
 * What is wrong with a cron expression, or `undefined`. The common grammar only: `*`, numbers, names of months
 * and weekdays, ranges, lists and steps. It is narrower than the scheduler's own, so what passes here runs there.
 */
export function cronProblem(expression: string): string | undefined {
  const words = expression.trim().split(/\s+/);
  if (words.length !== 5 && words.length !== 6) {
    return `must have 5 fields, or 6 with seconds in front (found ${expression.trim() === '' ? 0 : words.length})`;
  }
  const fields = words.length === 6 ? [SECOND, ...FIELDS] : FIELDS;
  for (const [index, field] of fields.entries()) {
    if (!(words[index] ?? '').split(',').every((item) => isItem(item.toLowerCase(), field))) {
      return `field ${index + 1} (${field.name}) must be *, a number from ${field.lowest} to ${field.highest}, a range, a list of these, or one with a /step`;
    }
  }
  return undefined;
}

/** Whether the runtime knows this time zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function isItem(item: string, field: CronField): boolean {
  const parts = /^([^/-]+)(?:-([^/-]+))?(?:\/([1-9]\d?))?$/.exec(item);
  if (parts === null) return false;
  const [, from = '', to, step] = parts;
  if (from === '*') return to === undefined;
  const first = valueOf(from, field);
  if (first === undefined) return false;
  // `5/10` means something else to every cron: say `5-59/10`.
  if (to === undefined) return step === undefined;
  const last = valueOf(to, field);
  return last !== undefined && first <= last;
}

function valueOf(word: string, field: CronField): number | undefined {
  const named = field.words?.indexOf(word) ?? -1;
  if (named >= 0) return named + field.lowest;
  if (!/^\d{1,2}$/.test(word)) return undefined;
  const value = Number(word);
  return value >= field.lowest && value <= field.highest ? value : undefined;
}
