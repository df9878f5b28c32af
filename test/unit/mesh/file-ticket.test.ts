import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { TicketOffice } from '../../../src/mesh/file-ticket.ts';

function handClock(): Clock & { time: number } {
  return {
    time: 0,
    now() {
      return this.time;
    },
    sleep: () => Promise.resolve(),
  };
}

test('a ticket is good once, for its file', () => {
  const office = new TicketOffice(handClock());
  const ticket = office.issue('b', 'f');
  expect(office.redeem(ticket, 'f')).toBe('b');
  expect(office.redeem(ticket, 'f')).toBeUndefined();
  expect(office.redeem(office.issue('b', 'f'), 'g')).toBeUndefined();
});

test('a ticket is good for less than a minute', () => {
  const clock = handClock();
  const office = new TicketOffice(clock);
  const [early, late] = [office.issue('b', 'f'), office.issue('b', 'f')];
  clock.time = 59_999;
  expect(office.redeem(early, 'f')).toBe('b');
  clock.time = 60_000;
  expect(office.redeem(late, 'f')).toBeUndefined();
});

test('a peer that asks for tickets without end fills no memory: the oldest go', () => {
  const office = new TicketOffice(handClock());
  const tickets = Array.from({ length: 257 }, () => office.issue('b', 'f'));
  expect(office.redeem(tickets[0] ?? '', 'f')).toBeUndefined();
  expect(office.redeem(tickets[1] ?? '', 'f')).toBe('b');
});
