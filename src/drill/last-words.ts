/** Enough to see why, and not what else it said. */
const MOST_LINES = 6;
const MOST_CHARS = 300;

/** What etcd marks as grave: a line of zap's, of capnslog's (3.4), or of the Go runtime. */
const GRAVE = /"level":"(error|fatal|panic|dpanic)"|\s[EC] \| |^(panic|fatal error|runtime): /;

/**
 * The lines of an etcd's log that say why it ended: the first grave ones, else its last ones. A panic is followed by
 * pages of stack that say nothing to an operator.
 */
export function lastWords(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const grave = lines.filter((line) => GRAVE.test(line));
  const chosen = grave.length === 0 ? lines.slice(-MOST_LINES) : grave.slice(0, MOST_LINES);
  return chosen.length === 0 ? '(it said nothing)' : chosen.map(plainWords).join('\n');
}

/** `msg: error`, of a line of JSON. */
function plainWords(line: string): string {
  const short = (text: string): string => (text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text);
  if (!line.startsWith('{')) return short(line.trim());
  try {
    const { msg, error } = JSON.parse(line) as { readonly msg?: unknown; readonly error?: unknown };
    return short([msg, error].filter((word) => typeof word === 'string').join(': '));
  } catch {
    return short(line);
  }
}
