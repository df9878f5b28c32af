import { execa } from 'execa';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DemoOptions } from './options.ts';

/** `let-go`: leave everything. `end`: kill all processes. `remove`: the directory too. */
export type LastWord = 'let-go' | 'end' | 'remove';

const GUARD_PROCESS = fileURLToPath(new URL('guard-process.ts', import.meta.url));

/** A process of its own that ends the demo's agents and members when the demo is over, however that comes. */
export class Guard {
  readonly #child: ReturnType<typeof spawnGuard>;
  readonly #answers: AsyncIterableIterator<string>;

  private constructor(child: ReturnType<typeof spawnGuard>, lines: Interface) {
    this.#child = child;
    this.#answers = lines[Symbol.asyncIterator]();
  }

  /** Resolves when it watches: nothing is to be started before. */
  static async start(options: DemoOptions): Promise<Guard> {
    const child = spawnGuard(options);
    const guard = new Guard(child, createInterface({ input: child.stdout }));
    await guard.#expect('ready');
    return guard;
  }

  /** Tells it how the demo ended, and waits until it acted. */
  async finish(word: LastWord): Promise<void> {
    this.#child.stdin.end(`${word}\n`);
    await this.#expect('done');
    await once(this.#child, 'exit');
  }

  async #expect(word: string): Promise<void> {
    const answer = await this.#answers.next();
    if (answer.value === word) return;
    const { stderr, shortMessage } = await this.#child;
    throw new Error(
      `the guard process said "${String(answer.value)}" and not "${word}": ${stderr || (shortMessage ?? '')}`,
    );
  }
}

function spawnGuard({ directory, ownsDirectory }: DemoOptions) {
  const args = [directory, ownsDirectory ? 'yes' : 'no', String(process.pid)];
  return execa(process.execPath, ['--import', import.meta.resolve('tsx'), GUARD_PROCESS, ...args], {
    // A session of its own: Ctrl-C in a terminal reaches the whole process group.
    detached: true,
    cleanup: false,
    reject: false,
    cwd: '/',
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
}
