/** Data that an operation took out of service on this host, and that still lies there. */
export interface SetAside {
  readonly path: string;
  /** The restore or the rejoin that did it. */
  readonly operation: string;
  /** `before`: what it found; `restored`: what a rollback took out of service again. */
  readonly kind: 'before' | 'restored';
  /** On disk. */
  readonly sizeBytes: number;
  /** When that operation was planned, in milliseconds since the epoch. */
  readonly sinceMs: number;
}

export interface CleanWish {
  /** Its data and no other, however new it is. */
  readonly operation?: string;
  readonly olderThanMs: number;
  readonly nowMs: number;
}

export interface CleanChoice {
  readonly item: SetAside;
  /** Why it stays; `undefined` for what may go. */
  readonly keptBecause: string | undefined;
}

/**
 * What may be removed. The newest data set aside is the way back from the last operation: it goes only when that operation is
 * named. Where nothing is named, what is younger than stated stays as well.
 */
export function decideClean(found: readonly SetAside[], wish: CleanWish): CleanChoice[] {
  const newestMs = Math.max(...found.map(({ sinceMs }) => sinceMs));
  return [...found]
    .sort((a, b) => a.sinceMs - b.sinceMs || (a.path < b.path ? -1 : 1))
    .map((item) => ({ item, keptBecause: keptBecause(item, wish, newestMs) }));
}

function keptBecause(item: SetAside, wish: CleanWish, newestMs: number): string | undefined {
  const { operation, olderThanMs, nowMs } = wish;
  if (operation !== undefined)
    return item.operation === operation ? undefined : 'another operation was named';
  if (item.sinceMs >= newestMs) return `the newest: only when it is named, restore clean ${item.operation}`;
  // A clock that was set back makes nothing old.
  return nowMs - item.sinceMs >= olderThanMs ? undefined : 'not old enough';
}
