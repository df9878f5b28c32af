import { isIP } from 'node:net';
import type { ConfigDraft, OpenKey } from '../config/config-draft.ts';
import { chooseEndpoint, isLoopback } from './choose-endpoint.ts';
import { commandFor } from './command-for.ts';
import { draftTls, type ServerCertificate } from './draft-tls.ts';
import type { FoundEtcd } from './find-etcd.ts';

/** What the draft is made of, beside the etcd itself. */
export interface DraftCircumstances {
  /** The members as etcd knows them now; `undefined` where it could not be asked. */
  readonly members: readonly { readonly name: string; readonly peerUrls: readonly string[] }[] | undefined;
  /** `hostname -f`. */
  readonly hostName: string;
  /** etcd's own certificate, where it could be read. */
  readonly certificate: ServerCertificate | undefined;
  /** Said by the operator; wins over what was found. */
  readonly agentName?: string;
  readonly supervisor?: 'systemd' | 'process';
  /** Written down only where it is not the one on PATH. */
  readonly systemctl?: string;
}

const MESH_PORT = 7400;
const EVERY_HALF_HOUR = '*/30 * * * *';
const PKI = '/etc/etcd-lifeboat/pki';

/** Makes a first configuration of what was found. Pure: what is not known becomes an open key. */
export function draftConfig(etcd: FoundEtcd, seen: DraftCircumstances): ConfigDraft {
  const { settings, launch } = etcd;
  const open: OpenKey[] = [];
  const endpoint = chooseEndpoint(settings.listenClientUrls, launch.workingDirectory);
  const name = seen.agentName ?? ownName(etcd, seen, open);
  if (endpoint === undefined) {
    open.push({ key: 'etcd.endpoint', why: 'a client URL of the member on this host: none was found.' });
  }
  if (settings.dataDir === undefined) {
    open.push({
      key: 'etcd.dataDir',
      why: "etcd's data directory: its path is relative, and to what is not known.",
    });
  }
  const tls = draftTls(settings, endpoint, seen.certificate, open);
  return {
    agent: { name, ...placesFor(etcd.unit) },
    etcd: {
      memberName: settings.name,
      peerUrls: settings.peerUrls,
      dataDir: settings.dataDir,
      ...(settings.walDir === undefined ? {} : { walDir: settings.walDir }),
      endpoint: endpoint?.url,
      ...(etcd.program === undefined ? {} : { binary: etcd.program }),
      ...(etcd.owner === undefined ? {} : { owner: etcd.owner }),
      ...(tls === undefined ? {} : { tls }),
    },
    supervisor: supervisorFor(etcd, seen, open),
    mesh: meshFor(etcd, seen, name, open),
    cron: EVERY_HALF_HOUR,
    open,
  };
}

/** lifeboat@INSTANCE.service beside etcd@INSTANCE.service has places of its own. */
function placesFor(unit: string | undefined): { stateDir?: string; controlSocket?: string } {
  const instance = instanceOf(unit);
  if (instance === undefined) return {};
  return {
    stateDir: `/var/lib/etcd-lifeboat-${instance}`,
    controlSocket: `/run/etcd-lifeboat-${instance}/control.sock`,
  };
}

/** `a` of `etcd@a.service`. */
export function instanceOf(unit: string | undefined): string | undefined {
  return /^[^@]+@(.+)\.service$/.exec(unit ?? '')?.[1];
}

interface Member {
  readonly name: string;
  readonly peerUrls: readonly string[];
}

/** Every host names every other by the same rule, so that their configurations fit each other. */
function agentNameOf({ name, peerUrls }: Member): string | undefined {
  const hosts = peerUrls.map(hostOf);
  const named = hosts.find((host) => host !== '' && isIP(host) === 0 && !isLoopback(host));
  return [named, name].map((word) => word?.toLowerCase()).find((word) => word !== undefined && isName(word));
}

function ownName({ settings }: FoundEtcd, { hostName }: DraftCircumstances, open: OpenKey[]): string {
  const isAlone = settings.initialCluster.length < 2;
  const own = agentNameOf({ name: isAlone ? '' : settings.name, peerUrls: settings.peerUrls });
  const name = own ?? (isName(hostName.toLowerCase()) ? hostName.toLowerCase() : undefined);
  if (name !== undefined) return name;
  open.push({ key: 'agent.name', why: 'a name for this agent, made of a-z, 0-9, hyphens and dots.' });
  return 'host1';
}

function supervisorFor(
  etcd: FoundEtcd,
  { supervisor, systemctl }: DraftCircumstances,
  open: OpenKey[],
): ConfigDraft['supervisor'] {
  const command = commandFor(etcd);
  if (supervisor === 'process') {
    if (etcd.pid !== undefined) {
      open.push({
        key: 'supervisor',
        why: `stop process ${etcd.pid} before the agent starts: it starts etcd itself, on the same data.`,
      });
    }
    return { kind: 'process', command };
  }
  const unit = etcd.unit ?? (supervisor === 'systemd' ? 'etcd.service' : undefined);
  if (unit !== undefined) {
    return { kind: 'systemd', unit, ...(systemctl === undefined ? {} : { systemctl }) };
  }
  open.push({
    key: 'supervisor',
    why: 'no systemd unit runs this etcd: choose one of these, or `kind: command` (config.example.yaml).',
  });
  return { kind: 'open', command };
}

function meshFor(
  { settings }: FoundEtcd,
  { members }: DraftCircumstances,
  self: string,
  open: OpenKey[],
): ConfigDraft['mesh'] {
  const others = (members ?? membersOf(settings.initialCluster)).filter(
    ({ name, peerUrls }) =>
      name !== settings.name && !peerUrls.some((url) => settings.peerUrls.includes(url)),
  );
  if (others.length === 0) return { listen: `127.0.0.1:${MESH_PORT}`, peers: [] };
  if (others.some(({ peerUrls }) => peerUrls.every((url) => isLoopback(hostOf(url))))) {
    const names = others.map(({ name }) => name).join(', ');
    open.push({
      key: 'mesh.peers',
      why: `the agents of ${names}, on this same host: each needs a port, a state directory and a socket of its own.`,
    });
    return { listen: `127.0.0.1:${MESH_PORT}`, peers: [] };
  }
  open.push({
    key: 'mesh.tls',
    why: `put the certificates of the agents there; ${self} must be a DNS name of this one (docs/operations.md).`,
  });
  return {
    listen: `0.0.0.0:${MESH_PORT}`,
    peers: others.flatMap((member) => peerOf(member, open)),
    tls: { caFile: `${PKI}/ca.pem`, certFile: `${PKI}/${self}.pem`, keyFile: `${PKI}/${self}-key.pem` },
  };
}

function peerOf(member: Member, open: OpenKey[]): { name: string; url: string }[] {
  const host = member.peerUrls.map(hostOf).find((found) => !isLoopback(found));
  const name = agentNameOf(member);
  if (host === undefined || name === undefined) {
    open.push({ key: 'mesh.peers', why: `the agent of member ${member.name || '(not started yet)'}.` });
    return [];
  }
  return [{ name, url: `wss://${isIP(host) === 6 ? `[${host}]` : host}:${MESH_PORT}` }];
}

function membersOf(cluster: FoundEtcd['settings']['initialCluster']): Member[] {
  return [...new Set(cluster.map(({ name }) => name))].map((name) => ({
    name,
    peerUrls: cluster.filter((pair) => pair.name === name).map(({ url }) => url),
  }));
}

/** Without brackets; empty for what is no URL. */
function hostOf(url: string): string {
  return /^https?:\/\/(\[[^\]]+\]|[^/:]+)/.exec(url)?.[1]?.replace(/^\[(.*)\]$/, '$1') ?? '';
}

function isName(word: string): boolean {
  return (
    word.length <= 63 &&
    word !== 'localhost' &&
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(word)
  );
}
