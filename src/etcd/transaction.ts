import { AgentError } from '../base/agent-error.ts';
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  type Compare,
  type RequestOp,
  type ResponseOp,
  type TxnRequest,
  type TxnResponse,
} from './generated/etcdserverpb/kv.ts';
import {
  bytesOf,
  deleteRangeRequest,
  putRequest,
  rangeRequest,
  rangeResult,
  type Bytes,
  type KeyRange,
  type PutOrder,
  type RangeQuery,
  type RangeResult,
} from './key-value-messages.ts';
import { exactNumber } from './wire-numbers.ts';

/** A claim about one key. A key that does not exist has version and revisions 0, and no value: comparing that is false. */
export type Comparison = {
  readonly key: Bytes;
  readonly is: 'equal' | 'greater' | 'less' | 'not-equal';
} & (
  | { readonly target: 'version' | 'createRevision' | 'modRevision'; readonly to: number }
  | { readonly target: 'value'; readonly to: Bytes }
);

export type Operation =
  | ({ readonly kind: 'put' } & PutOrder)
  | ({ readonly kind: 'range' } & RangeQuery)
  | ({ readonly kind: 'deleteRange' } & KeyRange);

export interface Transaction {
  /** All must hold. None always holds. */
  readonly compare: readonly Comparison[];
  readonly success: readonly Operation[];
  readonly failure?: readonly Operation[];
}

/** What one operation did, in the order asked. */
export type OperationResult =
  | { readonly kind: 'put' }
  | ({ readonly kind: 'range' } & RangeResult)
  | { readonly kind: 'deleteRange'; readonly deleted: number };

export interface TransactionResult {
  readonly succeeded: boolean;
  readonly revision: number;
  readonly results: readonly OperationResult[];
}

const RESULTS = {
  equal: Compare_CompareResult.EQUAL,
  greater: Compare_CompareResult.GREATER,
  less: Compare_CompareResult.LESS,
  'not-equal': Compare_CompareResult.NOT_EQUAL,
} as const;

export function transactionRequest(transaction: Transaction): TxnRequest {
  return {
    compare: transaction.compare.map(compareOf),
    success: transaction.success.map(requestOp),
    failure: (transaction.failure ?? []).map(requestOp),
  };
}

export function transactionResult(answer: TxnResponse): TransactionResult {
  return {
    succeeded: answer.succeeded,
    revision: exactNumber(answer.header?.revision ?? 0n, 'the revision'),
    results: answer.responses.map(operationResult),
  };
}

function compareOf(claim: Comparison): Compare {
  const common = { key: bytesOf(claim.key), result: RESULTS[claim.is] };
  switch (claim.target) {
    case 'version':
      return {
        ...common,
        target: Compare_CompareTarget.VERSION,
        targetUnion: { $case: 'version', value: BigInt(claim.to) },
      };
    case 'createRevision':
      return {
        ...common,
        target: Compare_CompareTarget.CREATE,
        targetUnion: { $case: 'createRevision', value: BigInt(claim.to) },
      };
    case 'modRevision':
      return {
        ...common,
        target: Compare_CompareTarget.MOD,
        targetUnion: { $case: 'modRevision', value: BigInt(claim.to) },
      };
    case 'value':
      return {
        ...common,
        target: Compare_CompareTarget.VALUE,
        targetUnion: { $case: 'value', value: bytesOf(claim.to) },
      };
  }
}

function requestOp(operation: Operation): RequestOp {
  switch (operation.kind) {
    case 'put':
      return { request: { $case: 'requestPut', value: putRequest(operation) } };
    case 'range':
      return { request: { $case: 'requestRange', value: rangeRequest(operation) } };
    case 'deleteRange':
      return { request: { $case: 'requestDeleteRange', value: deleteRangeRequest(operation) } };
  }
}

function operationResult({ response }: ResponseOp): OperationResult {
  switch (response?.$case) {
    case 'responsePut':
      return { kind: 'put' };
    case 'responseRange':
      return { kind: 'range', ...rangeResult(response.value) };
    case 'responseDeleteRange':
      return { kind: 'deleteRange', deleted: exactNumber(response.value.deleted, 'the count') };
    case undefined:
      throw new AgentError('ETCD_REFUSED', 'etcd answered an operation of a transaction with nothing known');
  }
}
