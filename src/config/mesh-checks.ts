import type { ConfigSections } from './config-schema.ts';
import { isLoopback } from './listen-address.ts';
import type { Problem } from './problem.ts';

type MeshSection = ConfigSections['mesh'];

interface Sections {
  readonly agent?: ConfigSections['agent'] | undefined;
  readonly mesh?: MeshSection | undefined;
}

/** Who the peers are must be plain, and nothing may leave the host without TLS. */
export function meshProblems({ agent, mesh }: Sections): Problem[] {
  if (mesh === undefined) return [];
  return [
    ...nameProblems(mesh, agent?.name),
    ...urlProblems(mesh),
    ...(mesh.tls === undefined ? plainProblems(mesh) : tlsProblems(mesh)),
  ];
}

function nameProblems(mesh: MeshSection, self: string | undefined): Problem[] {
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const [index, { name }] of mesh.peers.entries()) {
    const path = ['mesh', 'peers', index, 'name'];
    if (name === self) problems.push({ path, message: 'is agent.name: list the other agents only' });
    if (seen.has(name)) problems.push({ path, message: 'names a peer that is listed above' });
    seen.add(name);
  }
  return problems;
}

function urlProblems(mesh: MeshSection): Problem[] {
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const [index, { url }] of mesh.peers.entries()) {
    if (seen.has(url))
      problems.push({
        path: ['mesh', 'peers', index, 'url'],
        message: 'is the URL of a peer that is listed above',
      });
    seen.add(url);
  }
  return problems;
}

function plainProblems(mesh: MeshSection): Problem[] {
  const problems: Problem[] = [];
  if (!isLoopback(mesh.listen.host)) {
    problems.push({
      path: ['mesh', 'listen'],
      message: 'must be a loopback address unless mesh.tls is given',
    });
  }
  if (mesh.peers.length > 0 && mesh.secretFile === undefined) {
    problems.push({
      path: ['mesh', 'secretFile'],
      message: 'is missing: without mesh.tls the agents know one another by it',
    });
  }
  for (const [index, { url }] of mesh.peers.entries()) {
    const { protocol, hostname } = new URL(url);
    if (protocol === 'ws:' && isLoopback(hostname)) continue;
    problems.push({
      path: ['mesh', 'peers', index, 'url'],
      message: 'must be ws:// to a loopback address unless mesh.tls is given',
    });
  }
  return problems;
}

function tlsProblems(mesh: MeshSection): Problem[] {
  const problems: Problem[] = mesh.peers
    .map(({ url }, index) => ({ url, path: ['mesh', 'peers', index, 'url'] }))
    .filter(({ url }) => !url.startsWith('wss:'))
    .map(({ path }) => ({ path, message: 'must be wss://: mesh.tls is given' }));
  if (mesh.secretFile !== undefined) {
    problems.push({
      path: ['mesh', 'secretFile'],
      message: 'has no effect: with mesh.tls, certificates say who a peer is',
    });
  }
  return problems;
}
