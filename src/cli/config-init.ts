import { AgentError } from '../base/agent-error.ts';
import { runCommand } from '../base/run-command.ts';
import type { ConfigDraft } from '../config/config-draft.ts';
import { draftText } from '../config/draft-text.ts';
import { parseEtcdConfigFile } from '../config/etcd-config-file.ts';
import { parseConfig } from '../config/load-config.ts';
import { draftConfig } from '../discovery/draft-config.ts';
import { readServerCertificate } from '../discovery/draft-tls.ts';
import { findEtcd, type EtcdTarget, type FoundEtcd } from '../discovery/find-etcd.ts';
import { connectEtcd } from '../etcd/client.ts';
import { readMembers } from '../restore/cluster-reads.ts';

export interface ConfigInitWish {
  readonly target: EtcdTarget;
  readonly agentName?: string;
  readonly supervisor?: 'systemd' | 'process';
  readonly systemctl?: string;
}

/** A first configuration, and how sure it is. */
export interface FirstConfig {
  readonly etcd: FoundEtcd;
  readonly draft: ConfigDraft;
  readonly yaml: string;
  readonly found: readonly string[];
  readonly unknown: readonly string[];
  /** What `config check` would say of it; empty when it would pass. */
  readonly problems: readonly string[];
}

const ASK_TIMEOUT_MS = 3000;
const HOST_NAME_TIMEOUT_MS = 5000;

/**
 * Reads the etcd of this host and makes a configuration for its agent. Changes nothing.
 *
 * @param fileName - What the problems are prefixed with.
 * @throws {AgentError} as `findEtcd`.
 */
export async function makeFirstConfig(
  wish: ConfigInitWish,
  fileName: string,
  signal: AbortSignal,
): Promise<FirstConfig> {
  const etcd = await findEtcd(wish.target, {
    parseYaml: parseEtcdConfigFile,
    systemctl: wish.systemctl ?? 'systemctl',
    signal,
  });
  const { target: _target, ...said } = wish;
  const seen = {
    ...said,
    hostName: await hostName(signal),
    certificate: await readServerCertificate(etcd.settings),
  };
  const [found, unknown] = [[...etcd.found], [...etcd.unknown]];
  const first = draftConfig(etcd, { ...seen, members: undefined });
  const members = etcd.pid === undefined ? undefined : await askMembers(first, { found, unknown }, signal);
  noteOtherUrls(etcd, members, unknown);
  const draft = draftConfig(etcd, { ...seen, members });
  const yaml = draftText(draft);
  return { etcd, draft, yaml, found, unknown, problems: problemsOf(yaml, fileName) };
}

type Members = Awaited<ReturnType<typeof readMembers>>['members'];

/** Who is in the cluster now: its members may be others than those it began with. */
async function askMembers(
  { etcd: { endpoint, tls } }: ConfigDraft,
  notes: { readonly found: string[]; readonly unknown: string[] },
  signal: AbortSignal,
): Promise<Members | undefined> {
  if (endpoint === undefined) return undefined;
  const { caFile, ...rest } = tls ?? {};
  const options = { endpoint, requestTimeoutMs: ASK_TIMEOUT_MS };
  try {
    const client = connectEtcd(caFile === undefined ? options : { ...options, tls: { caFile, ...rest } });
    try {
      const { members } = await readMembers(client, signal);
      notes.found.push(
        `${endpoint}: the cluster has ${members.map(({ name }) => name || '(new)').join(', ')}`,
      );
      return members;
    } finally {
      client.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof AgentError ? error.message : String(error);
    notes.unknown.push(`the members of the cluster were not asked, but taken from --initial-cluster: ${why}`);
    return undefined;
  }
}

function noteOtherUrls({ settings }: FoundEtcd, members: Members | undefined, unknown: string[]): void {
  const own = members?.find(({ name }) => name === settings.name);
  if (own === undefined || own.peerUrls.every((url) => settings.peerUrls.includes(url))) return;
  unknown.push(
    `the cluster reaches this member at ${own.peerUrls.join(', ')}, and its own settings say ${settings.peerUrls.join(', ')}: etcd.peerUrls must be what the other members can reach`,
  );
}

async function hostName(signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await runCommand('hostname', ['-f'], { signal, timeoutMs: HOST_NAME_TIMEOUT_MS });
    return stdout.trim();
  } catch {
    // A host without a name of its own: the name is then an open key, and said so.
    signal.throwIfAborted();
    return '';
  }
}

function problemsOf(yaml: string, fileName: string): string[] {
  try {
    parseConfig(yaml, fileName);
    return [];
  } catch (error) {
    if (error instanceof AgentError && error.code === 'CONFIG_INVALID') return error.message.split('\n');
    throw error;
  }
}
