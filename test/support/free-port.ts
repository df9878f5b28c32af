import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ListenOptions, type Server } from 'node:net';
import { systemCodeOf } from '../../src/base/agent-error.ts';

/** Below the ports that the kernel gives to outgoing connections, which could take one before it is used. */
const LOWEST_PORT = 15_000;
const HIGHEST_PORT = 32_767;

/** Held until this process ends, so that tests that run at the same moment never choose the same port. */
const claims: Server[] = [];

/** `count` different TCP ports on 127.0.0.1 that nobody listens on, and that no other process of the tests is given. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT + 1);
    const claim = await tryListen({ path: `\0etcd-lifeboat-test-port-${port}` });
    if (claim === undefined) continue;
    claims.push(claim);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = await tryListen({ port, host: '127.0.0.1' });
  if (server === undefined) return false;
  await once(server.close(), 'close');
  return true;
}

/** `undefined` when somebody else has that place. It does not keep the process alive. */
async function tryListen(where: ListenOptions): Promise<Server | undefined> {
  const server = createServer().listen(where).unref();
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (systemCodeOf(error) === 'EADDRINUSE') return undefined;
    throw error;
  }
}
