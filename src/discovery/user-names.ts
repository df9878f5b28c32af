import { readTextIfPresent } from '../base/durable-file.ts';

/** The name of a user id in /etc/passwd; `undefined` where another directory knows it. */
export async function nameOfUser(id: number, file = '/etc/passwd'): Promise<string | undefined> {
  return nameIn((await readTextIfPresent(file)) ?? '', id);
}

/** The name of a group id in /etc/group. */
export async function nameOfGroup(id: number, file = '/etc/group'): Promise<string | undefined> {
  return nameIn((await readTextIfPresent(file)) ?? '', id);
}

/** In both files the third field of a line is the number. */
function nameIn(text: string, id: number): string | undefined {
  for (const line of text.split('\n')) {
    const [name, , number] = line.split(':');
    if (number === String(id)) return name;
  }
  return undefined;
}

/** The number of a group of this host; `undefined` for one that it does not have. */
export async function idOfGroup(name: string, file = '/etc/group'): Promise<number | undefined> {
  const text = (await readTextIfPresent(file)) ?? '';
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(':')[2]);
}
