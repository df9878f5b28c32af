import { z } from 'zod';

/** etcd: server/etcdserver/api/membership/member.go, and storage/schema/membership.go for where it stands. */
const etcdMember = z.object({
  name: z.string().default(''),
  peerURLs: z.array(z.string()).nullish(),
  clientURLs: z.array(z.string()).nullish(),
  isLearner: z.boolean().default(false),
});

/** etcd: server/etcdserver/version/downgrade.go, DowngradeInfo. */
const etcdDowngrade = z.object({
  enabled: z.boolean(),
  'target-version': z.string().default(''),
});

/** A member as a database names it. */
export interface EtcdMember {
  /** Empty for one that was added and never started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface EtcdDowngrade {
  readonly enabled: boolean;
  /** Empty when there is none under way. */
  readonly targetVersion: string;
}

/** `undefined` for what is no member. */
export function parseEtcdMember(text: string): EtcdMember | undefined {
  const parsed = etcdMember.safeParse(jsonOf(text)).data;
  if (parsed === undefined) return undefined;
  const { name, peerURLs, clientURLs, isLearner } = parsed;
  return { name, peerUrls: peerURLs ?? [], clientUrls: clientURLs ?? [], isLearner };
}

/** `undefined` for what is none. */
export function parseEtcdDowngrade(text: string): EtcdDowngrade | undefined {
  const parsed = etcdDowngrade.safeParse(jsonOf(text)).data;
  return parsed && { enabled: parsed.enabled, targetVersion: parsed['target-version'] };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
