import type { EtcdConnection } from './connection.ts';
import { KVService } from './generated/etcdserverpb/kv.ts';
import {
  deleteRangeRequest,
  putRequest,
  rangeRequest,
  rangeResult,
  type KeyRange,
  type PutOrder,
  type RangeQuery,
  type RangeResult,
} from './key-value-messages.ts';
import {
  transactionRequest,
  transactionResult,
  type Transaction,
  type TransactionResult,
} from './transaction.ts';
import { exactNumber } from './wire-numbers.ts';

export interface KeyValueCalls {
  /** @throws {AgentError} `ETCD_COMPACTED` for an old `revision`; `ETCD_REFUSED` when the answer is larger than 64 MiB. */
  range(query: RangeQuery, signal: AbortSignal): Promise<RangeResult>;
  /** @throws {AgentError} `ETCD_NO_SPACE` while the cluster has the NOSPACE alarm. */
  put(order: PutOrder, signal: AbortSignal): Promise<{ revision: number }>;
  deleteRange(range: KeyRange, signal: AbortSignal): Promise<{ revision: number; deleted: number }>;
  txn(transaction: Transaction, signal: AbortSignal): Promise<TransactionResult>;
  /**
   * Forgets all history before `revision`. With `physical` it resolves when the pages are freed, and has no deadline.
   *
   * @throws {AgentError} `ETCD_COMPACTED` when it is gone already; `ETCD_REFUSED` for a revision of the future.
   */
  compact(order: { revision: number; physical?: boolean }, signal: AbortSignal): Promise<void>;
}

export function keyValueCalls(connection: EtcdConnection): KeyValueCalls {
  return {
    range: async (query, signal) =>
      rangeResult(
        await connection.unary(KVService.range, rangeRequest(query), { signal, deadline: 'request' }),
      ),
    put: async (order, signal) => {
      const answer = await connection.unary(KVService.put, putRequest(order), {
        signal,
        deadline: 'request',
      });
      return { revision: exactNumber(answer.header?.revision ?? 0n, 'the revision') };
    },
    deleteRange: async (range, signal) => {
      const answer = await connection.unary(KVService.deleteRange, deleteRangeRequest(range), {
        signal,
        deadline: 'request',
      });
      return {
        revision: exactNumber(answer.header?.revision ?? 0n, 'the revision'),
        deleted: exactNumber(answer.deleted, 'the count'),
      };
    },
    txn: async (transaction, signal) =>
      transactionResult(
        await connection.unary(KVService.txn, transactionRequest(transaction), {
          signal,
          deadline: 'request',
        }),
      ),
    compact: async ({ revision, physical = false }, signal) => {
      await connection.unary(
        KVService.compact,
        { revision: BigInt(revision), physical },
        { signal, deadline: physical ? 'none' : 'request' },
      );
    },
  };
}
