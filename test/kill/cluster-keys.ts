import type { LabHost } from '../support/lab-cluster.ts';

interface Answer {
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[];
}

/** Writes `count` keys in a few transactions. */
export async function putKeys(host: LabHost, count: number, prefix: string): Promise<void> {
  for (let next = 0; next < count; next += 100) {
    const success = Array.from({ length: Math.min(100, count - next) }, (_, index) => ({
      request_put: {
        key: base64(`${prefix}${String(next + index).padStart(6, '0')}`),
        value: base64(`value of ${prefix}${next + index}`),
      },
    }));
    await post(host, 'txn', { success });
  }
}

/** Every key with its value, as this member has them itself. */
export async function contentsAt(host: LabHost): Promise<readonly string[]> {
  const everything = { key: base64('\0'), range_end: base64('\0'), serializable: true };
  const { kvs = [] } = (await post(host, 'range', everything)) as Answer;
  return kvs.map(({ key, value = '' }) => `${key} ${value}`);
}

/** A write through this member, which needs a quorum. */
export async function putOne(host: LabHost, key: string): Promise<void> {
  await post(host, 'put', { key: base64(key), value: base64('yes') });
}

async function post(host: LabHost, method: string, body: object): Promise<unknown> {
  const response = await fetch(`${host.clientUrl}/v3/kv/${method}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} at ${host.name}: ${response.status} ${text}`);
  return JSON.parse(text);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
