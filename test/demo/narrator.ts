import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'cyan' | 'green' | 'red';

/** Tells the story on stdout: numbered steps, the commands as a person types them, and what they print. */
export class Narrator {
  #step = 0;
  #silent = false;

  step(title: string): void {
    this.#step += 1;
    this.#write(`\n${this.#paint('bold', `${this.#step}. ${title}`)}\n`);
  }

  note(text: string): void {
    this.#write(`   ${text}\n`);
  }

  command(line: string): void {
    this.#write(`   ${this.#paint('cyan', `$ ${line}`)}\n`);
  }

  /** What a command printed. Of more than `most` lines the first are shown, and how many were left out. */
  output(text: string, most = Infinity): void {
    const lines = text.split('\n').filter((line, index, all) => line !== '' || index < all.length - 1);
    for (const line of lines.slice(0, most)) this.#write(`   ${line}`.trimEnd() + '\n');
    const left = lines.length - most;
    if (left > 0) this.#write(`   ${this.#paint('dim', `… ${left} more lines`)}\n`);
  }

  proof(text: string): void {
    this.#write(`   ${this.#paint('green', `✓ ${text}`)}\n`);
  }

  success(text: string): void {
    this.#write(`\n${this.#paint('green', text)}\n`);
  }

  failure(text: string): void {
    this.#write(`\n${this.#paint('red', text)}\n`);
  }

  plain(text: string): void {
    this.#write(`${text}\n`);
  }

  /** Says nothing more: what an interrupted demo finds is no news. */
  hush(): void {
    this.#silent = true;
  }

  #write(text: string): void {
    if (!this.#silent) process.stdout.write(text);
  }

  /** Colours only where stdout is a terminal, and NO_COLOR does not forbid it. */
  #paint(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stdout });
  }
}
