import type { Clock } from '../base/clock.ts';
import { newNonce } from './shared-secret.ts';

interface Ticket {
  readonly peer: string;
  readonly fileId: string;
  readonly expiresAt: number;
}

const LIFETIME_MS = 60_000;
const MOST_TICKETS = 256;

/**
 * Leave to download one file, once, within a minute. A peer gets it over its proved link and shows it in the HTTP request,
 * where nothing else says who asks. Only needed without TLS.
 */
export class TicketOffice {
  readonly #tickets = new Map<string, Ticket>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  issue(peer: string, fileId: string): string {
    const oldest = this.#tickets.keys().next();
    if (this.#tickets.size >= MOST_TICKETS && oldest.done !== true) this.#tickets.delete(oldest.value);
    const ticket = newNonce();
    this.#tickets.set(ticket, { peer, fileId, expiresAt: this.#clock.now() + LIFETIME_MS });
    return ticket;
  }

  /** The peer that the ticket was given to, if it is for this file and was not used before. */
  redeem(ticket: string, fileId: string): string | undefined {
    const found = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    if (found?.fileId !== fileId || found.expiresAt <= this.#clock.now()) return undefined;
    return found.peer;
  }
}
