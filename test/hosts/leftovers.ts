import { execa } from 'execa';
import { access, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabPlace } from './host-lab.ts';

/** What tells the processes of a lab from all others: the namespaces that its first process is in. */
export interface LabTraces {
  readonly place: LabPlace;
  readonly namespaces: readonly string[];
}

const NAMESPACES = ['pid', 'mnt', 'net'];

/** To be asked while the lab lives. */
export async function tracesOf(place: LabPlace): Promise<LabTraces> {
  const links = NAMESPACES.map((kind) => readlink(`/proc/${place.pid}/ns/${kind}`));
  return { place, namespaces: await Promise.all(links) };
}

/** Everything on this machine that is part of the lab, one sentence each: nothing, once it is gone. */
export async function findTraces({ place, namespaces }: LabTraces): Promise<string[]> {
  const found = [...(await processesOf(place, namespaces)), ...(await cgroupsOf(place))];
  if (await exists(place.scratch)) found.push(`directory ${place.scratch}`);
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  found.push(...mounts.filter((line) => line.includes(place.scratch)).map((line) => `mount ${line}`));
  const links = (await execa('ip', ['-o', 'link'])).stdout.split('\n');
  found.push(...links.filter((line) => /\b(v-host\d|br0)\b/.test(line)).map((line) => `link ${line}`));
  const names = (await execa('ip', ['netns', 'list'])).stdout.split('\n');
  found.push(...names.filter((line) => /^host\d/.test(line)).map((line) => `network namespace ${line}`));
  return found;
}

async function processesOf(place: LabPlace, namespaces: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const links = NAMESPACES.map((kind) => readlink(`/proc/${entry}/ns/${kind}`).catch(() => ''));
    const inside = (await Promise.all(links)).some((link) => namespaces.includes(link));
    const groups = await readFile(`/proc/${entry}/cgroup`, 'utf8').catch(() => '');
    const command = (await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
    if (inside || groups.includes(place.cgroup) || command.includes(place.scratch)) {
      found.push(`process ${entry} ${command}`);
    }
  }
  return found;
}

async function cgroupsOf({ cgroup }: LabPlace): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  const trees = mounts.filter(([, , type = '']) => type.startsWith('cgroup')).map(([, path = '']) => path);
  const paths = [...new Set(trees)].map((tree) => join(tree, cgroup));
  const there = await Promise.all(paths.map(exists));
  return paths.filter((_, index) => there[index]).map((path) => `cgroup ${path}`);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
