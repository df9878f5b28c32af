import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cronProblem } from '../../../src/config/cron-expression.ts';
import { validateCron } from '../../../src/schedule/validate-cron.ts';

test.each([
  '* * * * *',
  '*/15 0-6,22 1 jan,JUL mon-fri',
  '0 0 * * 7',
  '59 23 31 12 sun',
  '30 0-59/7 * * * *',
])('%j passes the configuration and the scheduler', (expression) => {
  expect(cronProblem(expression)).toBeUndefined();
  expect(validateCron(expression, 'UTC')).toBeUndefined();
});

test.each([
  '',
  '* * * *',
  '* * * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 8',
  '*/0 * * * *',
  '5/10 * * * *',
  '1,,2 * * * *',
  'a * * * *',
  '*-5 * * * *',
  '1-2-3 * * * *',
  '-5 * * * *',
])('%j passes neither', (expression) => {
  expect(cronProblem(expression)).toMatch(/^(must|field)/);
  expect(validateCron(expression, 'UTC')).toBeDefined();
});

test('what the configuration accepts, the scheduler runs, unless the date does not exist', () => {
  const field = (lowest: number, highest: number): fc.Arbitrary<string> => {
    const value = fc.integer({ min: lowest, max: highest });
    const step = fc.oneof(
      fc.constant(''),
      fc.integer({ min: 1, max: 99 }).map((every) => `/${every}`),
    );
    const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
    const item = fc.oneof(
      value.map(String),
      fc.tuple(fc.oneof(fc.constant('*'), range), step).map((parts) => parts.join('')),
    );
    return fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(','));
  };
  const expression = fc
    .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 7))
    .map((fields) => fields.join(' '));
  fc.assert(
    fc.property(expression, (cron) => {
      expect(cronProblem(cron)).toBeUndefined();
      expect(validateCron(cron, 'UTC')).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test('a date that no year has is left to the scheduler, which refuses it', () => {
  expect(cronProblem('0 0 31 2 *')).toBeUndefined();
  expect(validateCron('0 0 31 2 *', 'UTC')).toContain('impossible');
});

test('a time zone that nobody knows is refused', () => {
  expect(validateCron('* * * * *', 'Mars/Olympus')).toContain('Mars/Olympus');
});
