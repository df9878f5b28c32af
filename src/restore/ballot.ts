/** How many of `participants` must have synced a decision before anybody acts on it. */
export function majorityOf(participants: number): number {
  return Math.floor(participants / 2) + 1;
}
