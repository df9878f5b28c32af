import type { Generation } from '../formats/generation.ts';

/** Beyond this the oldest are forgotten: nobody restores from that far back, and peers decide how many there are. */
const MOST_GENERATIONS = 256;

/** What is known after hearing of `told`: the first word about an operation stays, and a revocation is never lost. */
export function mergeGenerations(
  known: readonly Generation[],
  told: readonly Generation[],
): { readonly generations: Generation[]; readonly news: Generation[] } {
  const byOperation = new Map(known.map((one) => [one.operation, one]));
  const news: Generation[] = [];
  for (const one of told) {
    const ours = byOperation.get(one.operation);
    const isNew = ours === undefined;
    const isRevoked = ours?.revokedBy === undefined && one.revokedBy !== undefined;
    if (!isNew && !isRevoked) continue;
    const kept = isNew ? one : { ...ours, revokedBy: one.revokedBy };
    byOperation.set(one.operation, kept);
    news.push(kept);
  }
  // An operation's id begins with its time.
  const sorted = [...byOperation.values()].sort((a, b) => (a.operation < b.operation ? -1 : 1));
  const generations = sorted.slice(-MOST_GENERATIONS);
  return { generations, news: news.filter((one) => generations.includes(one)) };
}

/** What hosts know of, all together. */
export function generationsOf(
  hosts: readonly { readonly generations: readonly Generation[] }[],
): Generation[] {
  return mergeGenerations(
    [],
    hosts.flatMap(({ generations }) => generations),
  ).generations;
}
