import { readdir } from 'node:fs/promises';

/** The ids of all processes that /proc shows, this one among them. */
export async function processIds(): Promise<number[]> {
  return (await readdir('/proc')).map(Number).filter(Number.isInteger);
}
