import type { Answer, Message, Request } from './messages.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Messages under way, in no order, and who cannot reach whom. */
export class SimulatedNetwork {
  #messages: Message[] = [];
  readonly #blocked = new Set<string>();
  #lastId = 0;

  readonly nextId = (): number => {
    this.#lastId += 1;
    return this.#lastId;
  };

  readonly post = (message: Message): void => {
    this.#messages.push(message);
  };

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  passes(from: string, to: string): boolean {
    return from === to || !this.#blocked.has(`${from}>${to}`);
  }

  /** Both can hear each other. */
  connects(one: string, other: string): boolean {
    return this.passes(one, other) && this.passes(other, one);
  }

  block(from: string, to: string): void {
    this.#blocked.add(`${from}>${to}`);
  }

  heal(): void {
    this.#blocked.clear();
  }

  get isWhole(): boolean {
    return this.#blocked.size === 0;
  }

  drop(random: SeededRandom): Message | undefined {
    return this.#messages.splice(random.below(this.#messages.length), 1)[0];
  }

  /** Any of the messages arrives now, whenever it was sent. */
  take(random: SeededRandom): Message | undefined {
    const message = this.drop(random);
    return message !== undefined && this.passes(message.from, message.to) ? message : undefined;
  }

  /** The oldest message. */
  takeOldest(): Request | Answer | undefined {
    return this.#messages.shift();
  }

  duplicate(random: SeededRandom): boolean {
    const message = this.#messages[random.below(this.#messages.length)];
    if (message === undefined) return false;
    this.#messages.push(message);
    return true;
  }

  clear(): void {
    this.#messages = [];
  }
}
