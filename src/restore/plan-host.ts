import type { HostFacts } from '../formats/host-facts.ts';
import type { PlanHost } from '../formats/restore-plan.ts';

/** What every plan says of a host, as it was seen. */
export function planHost(host: HostFacts): PlanHost {
  const { agent, journalId, memberName, peerUrls, dataDir, walDir, found, etcdVersion } = host;
  return {
    ...{ agent, journalId, memberName, peerUrls, dataDir, found },
    ...(walDir === undefined ? {} : { walDir }),
    ...(etcdVersion === undefined ? {} : { etcdVersion }),
  };
}
