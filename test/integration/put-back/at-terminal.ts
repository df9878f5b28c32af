import { PassThrough } from 'node:stream';
import { EventEmitter } from 'node:events';
import type { Surroundings } from '../../../src/cli/session.ts';

/** A terminal whose person sees `question`, lets `meanwhile` happen, and types `answer`. */
export function personAtTerminal(
  question: string,
  meanwhile: () => Promise<void>,
  answer: string,
): Pick<Surroundings, 'terminal' | 'signals'> & {
  readonly shown: () => string;
  readonly complained: () => string;
} {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 120, rows: 40 });
  const stderr = new PassThrough();
  let [shown, complained] = ['', ''];
  let isAsked = false;
  stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    if (isAsked || !shown.includes(question)) return;
    isAsked = true;
    meanwhile().then(
      () => stdin.write(answer),
      (error: unknown) => stdin.destroy(error as Error),
    );
  });
  stderr.on('data', (chunk: Buffer) => {
    complained += chunk.toString();
  });
  return {
    terminal: { stdin, stdout, stderr },
    signals: new EventEmitter(),
    shown: () => shown,
    complained: () => complained,
  };
}
