import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

export interface ProcessStart {
  readonly pid: number;
  /** In clock ticks since boot: a number that was given to another process since has another. */
  readonly startTicks: string;
}

/**
 * The processes between this one and the `npm run demo` that was typed (npm, a shell, tsx). Killing any of them by
 * force is killing the demo, though the kernel tells nobody below.
 */
export function launchersOf(pid: number): ProcessStart[] {
  const ancestors = ancestorsOf(pid);
  const outermost = ancestors.findLastIndex(({ pid: ancestor }) => isLauncher(ancestor));
  return ancestors.slice(0, outermost + 1);
}

export function isRunning({ pid, startTicks }: ProcessStart): boolean {
  return startOf(pid)?.startTicks === startTicks;
}

const DEEPEST = 5;

function ancestorsOf(pid: number): ProcessStart[] {
  const ancestors: ProcessStart[] = [];
  for (let parent = startOf(pid)?.parent; parent !== undefined && parent > 1;) {
    const start = startOf(parent);
    if (start === undefined || ancestors.length === DEEPEST) break;
    ancestors.push({ pid: parent, startTicks: start.startTicks });
    parent = start.parent;
  }
  return ancestors;
}

/** npm writes its title over its command line: `npm run demo`. */
function isLauncher(pid: number): boolean {
  const words = read(`/proc/${pid}/cmdline`).split(/[\0 ]/);
  return words.slice(0, 2).some((word) => /^(npm|npm-cli\.js|tsx)$/.test(basename(word)));
}

/** `undefined` when it is gone, or only waits for its parent to notice that it ended. */
function startOf(pid: number): { parent: number; startTicks: string } | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The name before it is in brackets and may hold anything. Then: state, parent, …; the start is the 20th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent] = fields;
  const startTicks = fields[19];
  if (state === undefined || state === 'Z' || startTicks === undefined) return undefined;
  return { parent: Number(parent), startTicks };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
