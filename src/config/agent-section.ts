import { z } from 'zod';
import { absolutePath, agentName } from './fields.ts';

/** The kernel's limit for the path of a Unix socket, without the closing NUL (unix(7)). */
const SOCKET_PATH_BYTES = 107;

/** `agent`: who this daemon is and where it keeps what it knows. */
export const agentSection = z
  .strictObject({
    name: agentName().describe(
      "This agent's name, unique among its peers. With TLS it is a DNS name of this host's certificate.",
    ),
    stateDir: absolutePath()
      .prefault('/var/lib/etcd-lifeboat')
      .describe(
        'Where the agent keeps its journals, its records and, unless said otherwise, its snapshots. One agent each.',
      ),
    controlSocket: absolutePath()
      .refine((path) => Buffer.byteLength(path) <= SOCKET_PATH_BYTES, {
        error: `must be at most ${SOCKET_PATH_BYTES} bytes: the kernel takes no longer socket path`,
      })
      .prefault('/run/etcd-lifeboat/control.sock')
      .describe(
        'The Unix socket that the `lifeboat` command talks to. Mode 0660. In a directory of this agent alone, below /run.',
      ),
    controlSocketGroup: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'must be the name of a group')
      .exactOptional()
      .describe(
        "The group that may use the control socket, and so restore the cluster. Without it: the agent's own group.",
      ),
    logLevel: z
      .enum(['debug', 'info', 'warn', 'error'])
      .default('info')
      .describe('The least that is logged.'),
    logFormat: z.enum(['json']).default('json').describe('One JSON object a line, on stderr.'),
  })
  .describe('Who this agent is, and where it keeps what it knows.');
