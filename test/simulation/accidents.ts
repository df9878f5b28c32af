/** Something that must never happen. The message begins with the name of the invariant. */
export class Breach extends Error {
  override readonly name = 'Breach';
}

/** The agent's process is gone in the middle of what it did; with `power`, its machine too. */
export class HostDown extends Error {
  override readonly name = 'HostDown';
  readonly host: string;
  readonly power: boolean;

  constructor(host: string, power: boolean) {
    super(`${host} goes down`);
    this.host = host;
    this.power = power;
  }
}

/** What a call to an agent ends in when it does not end in an answer. `code`: as in error-codes.ts. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
