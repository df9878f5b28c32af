import { formatDuration } from '../base/units.ts';
import type { LinkState } from '../mesh/link-table.ts';
import { about, fail, ok, skipped, warn, type Check } from './check.ts';

/** How this agent stands with its peers. */
export function judgePeers(links: readonly LinkState[], release: string, nowMs: number): Check[] {
  if (links.length === 0)
    return [skipped('mesh.peer', 'no peers are configured: this host is the whole cluster')];
  return links.map((link) => about(link.peer, judgePeer(link, release, nowMs)));
}

function judgePeer({ peer, state, since, release, lastError }: LinkState, own: string, nowMs: number): Check {
  const id = 'mesh.peer';
  if (state === 'refused') {
    return fail(
      id,
      `${peer} and this agent refuse each other: ${lastError ?? 'no reason was given'}`,
      `Compare both hosts: \`mesh.tls\` or \`mesh.secretFile\`, and \`agent.name\`.`,
    );
  }
  if (state === 'connecting') {
    const age = formatDuration(Math.max(0, nowMs - since));
    return fail(
      id,
      `there is no link to ${peer} for ${age}: ${lastError ?? 'it was not reached yet'}`,
      `On ${peer}: \`systemctl status lifeboat.service\`. Then its firewall, and \`mesh.peers\` here.`,
    );
  }
  if (release !== undefined && release !== own) {
    return warn(
      id,
      `${peer} is connected, with release ${release}; this one is ${own}`,
      'Bring the agents to one release before you need them.',
    );
  }
  return ok(id, `${peer} is connected${release === undefined ? '' : `, release ${release}`}`);
}
