import { execa, execaSync } from 'execa';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createLogger } from '../../../src/observe/logger.ts';
import { createNotifier } from '../../../src/observe/notify.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** Node cannot listen on a datagram socket either. One JSON string a line for each datagram. */
const LISTENER = `
import json, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print(json.dumps("listening"), flush=True)
while True:
    print(json.dumps(listener.recv(65536).decode()), flush=True)
`;

const toolsAreHere = ['python3', 'systemd-notify'].every(
  (tool) => !execaSync(tool, ['--version'], { reject: false }).failed,
);

test.skipIf(!toolsAreHere)(
  'systemd hears of start, status, life and stop (needs python3 and systemd-notify)',
  async () => {
    await using systemd = await listen();
    const notifier = createNotifier({
      notifySocket: systemd.socket,
      watchdogUsec: 40_000,
      isAlive: () => Promise.resolve(true),
      clock: systemClock,
      log: silent(),
    });
    await notifier.ready();
    await notifier.status('guards m1\nREADY=1');
    await expect
      .poll(() => systemd.heard().filter((words) => words === 'WATCHDOG=1').length)
      .toBeGreaterThan(1);
    await notifier.stopping();
    await notifier.close();
    await expect.poll(() => systemd.heard()).toContain('STOPPING=1');

    const heard = systemd.heard();
    expect(heard[0]).toBe('READY=1');
    expect(heard).toContain('STATUS=guards m1 READY=1');
    expect(heard.filter((words) => words.includes('READY=1') && !words.startsWith('STATUS='))).toHaveLength(
      1,
    );
  },
);

test.skipIf(!toolsAreHere)(
  'an agent that is not alive does not claim to be (needs python3 and systemd-notify)',
  async () => {
    await using systemd = await listen();
    let asked = 0;
    const answers = [
      () => Promise.resolve(false),
      () => Promise.reject(new Error('stuck')),
      () => Promise.resolve(true),
    ];
    const notifier = createNotifier({
      notifySocket: systemd.socket,
      watchdogUsec: 20_000,
      isAlive: () => {
        asked += 1;
        return (answers[asked - 1] ?? (() => Promise.resolve(false)))();
      },
      clock: systemClock,
      log: silent(),
    });
    await notifier.ready();
    await expect.poll(() => asked).toBeGreaterThan(5);
    await notifier.close();
    expect(systemd.heard().filter((words) => words === 'WATCHDOG=1')).toHaveLength(1);
  },
);

test('an agent that never answers for itself can still be closed', async () => {
  const notifier = createNotifier({
    notifySocket: '/nobody/listens',
    watchdogUsec: 20_000,
    isAlive: () => new Promise(() => undefined),
    clock: systemClock,
    log: silent(),
    program: '/bin/true',
  });
  await notifier.ready();
  await expect(notifier.close()).resolves.toBeUndefined();
});

test('without systemd nothing is run', async () => {
  const notifier = createNotifier({
    watchdogUsec: 1000,
    isAlive: () => Promise.reject(new Error('must not be asked')),
    clock: systemClock,
    log: silent(),
    program: '/does/not/exist',
  });
  await notifier.ready();
  await notifier.status('x');
  await notifier.stopping();
  await expect(notifier.close()).resolves.toBeUndefined();
});

test('a start that cannot be reported fails, a status that cannot is only logged', async () => {
  const said: string[] = [];
  const notifier = createNotifier({
    notifySocket: '/does/not/exist',
    isAlive: () => Promise.resolve(true),
    clock: systemClock,
    log: createLogger({ level: 'debug', name: 'host1', sink: { write: (line) => void said.push(line) } }),
    program: '/does/not/exist',
  });
  await expect(notifier.ready()).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
  await notifier.status('x');
  await notifier.close();
  expect(said.join('')).toContain('systemd could not be told');
});

interface Listener extends AsyncDisposable {
  readonly socket: string;
  heard(): string[];
}

async function listen(): Promise<Listener> {
  const directory = await temporaryDirectory();
  const socket = join(directory.path, 'notify');
  const lines: string[] = [];
  const child = execa('python3', ['-c', LISTENER, socket], {
    reject: false,
    buffer: false,
    stderr: 'ignore',
  });
  const reading = (async () => {
    for await (const line of child) lines.push(JSON.parse(line) as string);
  })();
  await expect.poll(() => lines).toContain('listening');
  return {
    socket,
    // A barrier only says that systemd-notify waits until it was heard.
    heard: () => lines.slice(1).filter((words) => words !== 'BARRIER=1'),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await reading.catch(() => undefined);
      await child;
      await directory[Symbol.asyncDispose]();
    },
  };
}

function silent(): ReturnType<typeof createLogger> {
  return createLogger({ level: 'error', name: 'host1', sink: { write: () => undefined } });
}
