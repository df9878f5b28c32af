import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { createLogger, type LogLevel } from '../../../src/observe/logger.ts';

test('a line is one JSON object with level, time, name, fields and message', () => {
  const { log, lines } = captured('info');
  log.with({ room: 'mesh' }).info({ peer: 'host2', at: new Date(0) }, 'link is up');
  expect(lines()).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      name: 'host1',
      room: 'mesh',
      peer: 'host2',
      at: '1970-01-01T00:00:00.000Z',
      message: 'link is up',
    },
  ]);
});

test('what is below the level is not logged', () => {
  const { log, lines } = captured('warn');
  log.debug({}, 'a');
  log.info({}, 'b');
  log.warn({}, 'c');
  log.error({}, 'd');
  expect(lines().map((line) => line['message'])).toEqual(['c', 'd']);
});

test('values under the names of secrets are not logged, at any depth; paths of their files are', () => {
  const { log, lines, text } = captured('info');
  log.info(
    {
      password: 'hunter2',
      nested: [{ apiToken: 'hunter2', secretFile: '/etc/secret', authorization: 'hunter2' }],
      err: new AgentError('PEER_REFUSED', 'no', { details: { clientSecret: 'hunter2', peer: 'host2' } }),
    },
    'hello',
  );
  expect(text()).not.toContain('hunter2');
  expect(lines()[0]).toMatchObject({
    password: '[redacted]',
    nested: [{ apiToken: '[redacted]', secretFile: '/etc/secret' }],
    err: { details: { clientSecret: '[redacted]', peer: 'host2' } },
  });
});

test('an error is logged with its code, its hint and every cause', () => {
  const { log, lines } = captured('info');
  const root = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  const wrapped = new AgentError('NO_SPACE', 'the disk is full', { cause: root, details: { path: '/x' } });
  log.error({ err: new AgentError('RESTORE_STEP_FAILED', 'swap: it failed', { cause: wrapped }) }, 'failed');
  expect(lines()[0]?.['err']).toMatchObject({
    type: 'AgentError',
    code: 'RESTORE_STEP_FAILED',
    message: 'swap: it failed',
    hint: expect.stringContaining('lifeboat restore status') as string,
    retryable: false,
    cause: {
      code: 'NO_SPACE',
      details: { path: '/x' },
      cause: { type: 'Error', code: 'ENOSPC', message: 'no space left', stack: expect.any(String) as string },
    },
  });
});

test('all failures of an aggregate are logged', () => {
  const { log, lines } = captured('info');
  log.error({ err: new AggregateError([new Error('one'), new AgentError('TIMED_OUT', 'two')], 'both') }, 'x');
  expect(lines()[0]?.['err']).toMatchObject({
    message: 'both',
    errors: [{ message: 'one' }, { code: 'TIMED_OUT', message: 'two' }],
  });
});

test('nothing that is logged is endless', () => {
  const { log, lines } = captured('info');
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  const cause = new Error('its own cause');
  cause.cause = cause;
  log.info({ circle, err: cause, big: 'x'.repeat(100_000), many: Array(5000).fill(1) }, 'x');
  expect(JSON.stringify(lines()[0]).length).toBeLessThan(50_000);
});

test('values that JSON does not know are logged in words', () => {
  const { log, lines } = captured('info');
  log.info(
    { revision: 9_007_199_254_740_993n, bytes: Buffer.alloc(7), names: new Set(['a']), never: new Date(NaN) },
    'x',
  );
  expect(lines()[0]).toMatchObject({
    revision: '9007199254740993',
    bytes: '7 bytes',
    names: ['a'],
    never: 'no date',
  });
});

function captured(level: LogLevel): {
  log: ReturnType<typeof createLogger>;
  text: () => string;
  lines: () => Record<string, unknown>[];
} {
  let written = '';
  const log = createLogger({
    level,
    name: 'host1',
    sink: {
      write: (line) => {
        written += line;
      },
    },
  });
  const lines = (): Record<string, unknown>[] =>
    written
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, text: () => written, lines };
}
