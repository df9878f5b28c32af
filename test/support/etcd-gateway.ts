import type { RunningEtcd } from './etcd-process.ts';

/** A key as etcd answers it. */
export interface AnsweredKey {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

/** A change of one key: a value, or the deletion of all keys that begin with it. */
export type KeyChange =
  | { readonly put: Buffer; readonly value: Buffer; readonly lease?: bigint }
  | { readonly deletePrefix: Buffer };

interface EtcdGateway {
  /** All of them with one revision. */
  change(...changes: readonly KeyChange[]): Promise<void>;
  grantLease(): Promise<bigint>;
  revokeLease(id: bigint): Promise<void>;
  compact(revision: number): Promise<void>;
  /** Every key at a revision, in order. */
  keysAt(revision: number): Promise<AnsweredKey[]>;
  revision(): Promise<number>;
}

/** Talks to etcd's JSON gateway, which takes bytes that no command line could. */
export function etcdGateway({ endpoint }: Pick<RunningEtcd, 'endpoint'>): EtcdGateway {
  const call = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${endpoint}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
  return {
    change: async (...changes) => {
      await call('kv/txn', { success: changes.map(requestOf) });
    },
    grantLease: async () => BigInt(String((await call('lease/grant', { TTL: 3600 }))['ID'])),
    revokeLease: async (id) => {
      await call('lease/revoke', { ID: String(id) });
    },
    compact: async (revision) => {
      await call('kv/compaction', { revision, physical: true });
    },
    keysAt: async (revision) => {
      const all = { key: Buffer.of(0).toString('base64'), range_end: Buffer.of(0).toString('base64') };
      const { kvs = [] } = await call('kv/range', { ...all, revision });
      return (kvs as Record<string, string | undefined>[]).map(answeredKey);
    },
    revision: async () => {
      const { header } = await call('kv/range', { key: Buffer.from('x').toString('base64') });
      return Number((header as { revision: string }).revision);
    },
  };
}

function requestOf(change: KeyChange): object {
  if ('put' in change) {
    const { put, value, lease = 0n } = change;
    return {
      request_put: {
        key: put.toString('base64'),
        value: value.toString('base64'),
        lease: String(lease),
      },
    };
  }
  const { deletePrefix } = change;
  // The end is the prefix with its last byte raised: no prefix here ends in 0xff.
  const end = Buffer.from(deletePrefix);
  end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
  return {
    request_delete_range: { key: deletePrefix.toString('base64'), range_end: end.toString('base64') },
  };
}

function answeredKey(kv: Record<string, string | undefined>): AnsweredKey {
  return {
    key: Buffer.from(kv['key'] ?? '', 'base64'),
    value: Buffer.from(kv['value'] ?? '', 'base64'),
    createRevision: Number(kv['create_revision']),
    modRevision: Number(kv['mod_revision']),
    version: Number(kv['version']),
    lease: BigInt(kv['lease'] ?? 0),
  };
}
