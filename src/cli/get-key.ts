import { AgentError } from '../base/agent-error.ts';
import { findLastChange } from '../mvcc/find-last-change.ts';
import { keyText } from '../mvcc/key-text.ts';
import { keyFacts, keyFields } from './key-document.ts';
import { lookInto, type OpenSnapshot } from './look-into.ts';
import type { Session } from './session.ts';

interface GetWish {
  readonly key: Buffer;
  readonly revision?: number;
}

/**
 * `lifeboat snapshot get`: the bytes of the value and nothing else, so that a file or a pipe gets what was stored. A terminal gets a line
 * end after them.
 *
 * @throws {AgentError} `KEY_UNKNOWN`; what `lookInto` and `findLastChange` throw.
 */
export async function getKey(session: Session, which: string, wish: GetWish): Promise<number> {
  return await lookInto(session, [which], async ([snapshot], signal) => {
    if (snapshot === undefined) return 0;
    const change = await findLastChange(snapshot.file, wish, signal);
    if (change === undefined || change.isTombstone) throw unknownKey(snapshot, wish, change?.modRevision);
    const { head, bytes } = change;
    const value = bytes.subarray(head.valueStart, head.valueEnd);
    if (session.isJson) {
      session.printJson({ ...keyFields(wish.key), ...keyFacts(head), value: value.toString('base64') });
      return 0;
    }
    const { stdout } = session.surroundings.terminal;
    stdout.write(value);
    if (stdout.isTTY === true) stdout.write('\n');
    return 0;
  });
}

function unknownKey(
  { name, path }: OpenSnapshot,
  { key, revision }: GetWish,
  deletedAt: number | undefined,
): AgentError {
  const at = revision === undefined ? '' : ` at revision ${revision}`;
  const since = deletedAt === undefined ? '' : `: revision ${deletedAt} deleted it`;
  return new AgentError('KEY_UNKNOWN', `${name} has no key ${keyText(key)}${at}${since}`, {
    details: { path, ...(deletedAt === undefined ? {} : { deletedAt }) },
  });
}
