import type { MemberSeen } from '../formats/host-facts.ts';
import type { EtcdMember } from './cluster.ts';

/** A member as agents tell one another of it. */
export function memberToTell({ id, name, peerUrls, clientUrls, isLearner }: EtcdMember): MemberSeen {
  return {
    id,
    name,
    peerUrls: [...peerUrls],
    clientUrls: [...clientUrls],
    ...(isLearner ? { isLearner } : {}),
  };
}
