import { expect, test } from 'vitest';
import { takeEnvironment } from '../../../src/config/environment.ts';

test('what systemd hands over is taken, so that no child inherits it', () => {
  const variables = { PATH: '/bin', NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' };
  expect(takeEnvironment(variables, 7)).toEqual({
    path: '/bin',
    notifySocket: '/run/n',
    watchdogUsec: 30_000_000,
  });
  expect(variables).toEqual({ PATH: '/bin' });
});

test('a watchdog for another process is not ours', () => {
  expect(takeEnvironment({ PATH: '/bin', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, 7)).toEqual({
    path: '/bin',
  });
});

test.each(['', '0', '-5', 'soon'])('a watchdog of %j is none', (usec) => {
  expect(takeEnvironment({ PATH: '/bin', WATCHDOG_USEC: usec, NOTIFY_SOCKET: '' }, 7)).toEqual({
    path: '/bin',
  });
});

test('the configuration file may be named in the environment', () => {
  expect(takeEnvironment({ PATH: '/bin', LIFEBOAT_CONFIG: '/etc/x.yaml' }, 7)).toEqual({
    path: '/bin',
    configFile: '/etc/x.yaml',
  });
});
