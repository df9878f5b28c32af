import { z } from 'zod';
import { absolutePath, agentName, listenAddress, seconds } from './fields.ts';

const peer = z
  .strictObject({
    name: agentName().describe("The peer's own `agent.name`."),
    url: z
      .string()
      .regex(
        /^wss?:\/\/(\[[0-9a-fA-F:.]+\]|[^\s/:@[\]]+):\d{1,5}$/,
        'must be wss://host:port, or ws://host:port without TLS',
      )
      .describe("The peer's listener: `wss://host:port`. `ws://` without TLS, and then on loopback only."),
  })
  .describe('Another agent of the same etcd cluster.');

const tls = z
  .strictObject({
    caFile: absolutePath().describe("The CA of all agents' certificates, PEM."),
    certFile: absolutePath().describe(
      "This agent's certificate, PEM: for servers and clients, `agent.name` among its DNS names.",
    ),
    keyFile: absolutePath().describe('The key of `certFile`, PEM.'),
  })
  .describe('Mutual TLS between agents. Required unless everything is on loopback.');

/** `mesh`: the links between agents. */
export const meshSection = z
  .strictObject({
    listen: listenAddress()
      .prefault('127.0.0.1:7400')
      .describe('The address and port of this agent for its peers. Beyond loopback it needs `tls`.'),
    peers: z
      .array(peer)
      .max(31, 'must hold at most 31 peers')
      .default([])
      .describe('All the other agents of this etcd cluster, and not this one.'),
    tls: tls.exactOptional(),
    secretFile: absolutePath()
      .exactOptional()
      .describe(
        'Without TLS: a file of at least 16 bytes that every agent has, by which they know one another. It never crosses the link.',
      ),
    heartbeatSeconds: seconds()
      .default(5)
      .describe('How often a link is probed, in seconds. Two silent probes make it dead.'),
    requestTimeoutSeconds: seconds()
      .default(10)
      .describe('How long a short request to a peer may take, in seconds.'),
  })
  .describe('The links between agents.');
