import type { EtcdConnection } from './connection.ts';
import { LeaseService } from './generated/etcdserverpb/lease.ts';
import { idToHex, signedIdOf } from './wire-numbers.ts';

export interface LeaseCalls {
  /** etcd chooses the ID. It may lengthen a short time to live: `ttlSeconds` of the answer is what holds. */
  grantLease(ttlSeconds: number, signal: AbortSignal): Promise<{ id: string; ttlSeconds: number }>;
  /** Deletes the lease and its keys. @throws {AgentError} `ETCD_REFUSED` when there is no such lease. */
  revokeLease(id: string, signal: AbortSignal): Promise<void>;
  /** The IDs of all leases, as the member asked knows them. */
  leases(signal: AbortSignal): Promise<string[]>;
}

export function leaseCalls(connection: EtcdConnection): LeaseCalls {
  return {
    grantLease: async (ttlSeconds, signal) => {
      const answer = await connection.unary(
        LeaseService.leaseGrant,
        { TTL: BigInt(ttlSeconds), ID: 0n },
        { signal, deadline: 'request' },
      );
      return { id: idToHex(answer.ID), ttlSeconds: Number(answer.TTL) };
    },
    revokeLease: async (id, signal) => {
      await connection.unary(
        LeaseService.leaseRevoke,
        { ID: signedIdOf(id) },
        { signal, deadline: 'request' },
      );
    },
    leases: async (signal) => {
      const answer = await connection.unary(LeaseService.leaseLeases, {}, { signal, deadline: 'request' });
      return answer.leases.map((lease) => idToHex(lease.ID));
    },
  };
}
