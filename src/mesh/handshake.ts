import { AgentError } from '../base/agent-error.ts';
import { commonProtocol, PROTOCOL, type HelloFrame, type MeshFrame } from '../formats/mesh-frame.ts';
import { CLOSE, type FrameSocket } from './frame-socket.ts';
import { errorFromPeer, failureFrame } from './peer-failure.ts';
import { isProof, newNonce, prove, type Transcript } from './shared-secret.ts';

/** The agent at the other end of a link, as it was proved and as it says. */
export interface LinkParty {
  readonly name: string;
  readonly journalId: string;
  readonly release: string;
  /** The generation that both sides speak on this link. */
  readonly protocol: number;
}

export interface Greeting {
  readonly self: { readonly agent: string; readonly journalId: string; readonly release: string };
  /** Without it TLS must have proved the names. */
  readonly secret?: Buffer;
  /** Throws when this agent is not welcome here. Called before anything is proved by a secret. */
  readonly admit: (agent: string, journalId: string) => void;
}

/**
 * The dialling side of a greeting: hello, the other hello (with its proof), our proof, welcome. Each side proves the
 * secret over both nonces, both names and its own role. Nothing else is read from the link before.
 *
 * @throws {AgentError} `PEER_REFUSED`, `PROTOCOL_MISMATCH` or `FRAME_INVALID`; the socket is then closing.
 */
export async function greetAsDialler(
  socket: FrameSocket,
  greeting: Greeting,
  signal: AbortSignal,
): Promise<LinkParty> {
  return await refusingOnFailure(socket, async () => {
    const ours = helloFrame(greeting);
    socket.send(ours);
    const theirs = await expectFrame(socket, 'hello', signal);
    const party = judgeHello(theirs, greeting);
    const transcript = transcriptOf(ours, theirs);
    checkProof(greeting.secret, 'acceptor', transcript, theirs.proof);
    socket.send({ kind: 'proof', ...proofOf(greeting.secret, 'dialler', transcript) });
    await expectFrame(socket, 'welcome', signal);
    return party;
  });
}

/** The accepting side of a greeting; see `greetAsDialler`. */
export async function greetAsAcceptor(
  socket: FrameSocket,
  greeting: Greeting,
  signal: AbortSignal,
): Promise<LinkParty> {
  return await refusingOnFailure(socket, async () => {
    const theirs = await expectFrame(socket, 'hello', signal);
    const party = judgeHello(theirs, greeting);
    const ours = helloFrame(greeting);
    const transcript = transcriptOf(theirs, ours);
    socket.send({ ...ours, ...proofOf(greeting.secret, 'acceptor', transcript) });
    const { proof } = await expectFrame(socket, 'proof', signal);
    checkProof(greeting.secret, 'dialler', transcript, proof);
    socket.send({ kind: 'welcome' });
    return party;
  });
}

async function refusingOnFailure(socket: FrameSocket, greet: () => Promise<LinkParty>): Promise<LinkParty> {
  try {
    return await greet();
  } catch (error) {
    if (socket.isOpen) {
      const frame = failureFrame(undefined, error);
      socket.send(frame);
      socket.close(CLOSE.refused, frame.message);
    }
    throw error;
  }
}

function helloFrame({ self }: Greeting): HelloFrame {
  return { kind: 'hello', protocol: { ...PROTOCOL }, ...self, nonce: newNonce() };
}

function judgeHello(hello: HelloFrame, { self, admit }: Greeting): LinkParty {
  const { agent: name, journalId, release } = hello;
  if (name === self.agent || journalId === self.journalId) {
    throw new AgentError(
      'PEER_REFUSED',
      `${self.agent} reached itself: the URL of a peer leads to this agent`,
    );
  }
  admit(name, journalId);
  const protocol = commonProtocol(PROTOCOL, hello.protocol);
  if (protocol === undefined) {
    throw new AgentError(
      'PROTOCOL_MISMATCH',
      `${self.agent} speaks protocol ${rangeText(PROTOCOL)}, and ${name} (release ${release}) ${rangeText(hello.protocol)}`,
    );
  }
  return { name, journalId, release, protocol };
}

function rangeText({ oldest, newest }: { oldest: number; newest: number }): string {
  return oldest === newest ? String(oldest) : `${oldest} to ${newest}`;
}

function transcriptOf(dialler: HelloFrame, acceptor: HelloFrame): Transcript {
  return {
    dialler: dialler.agent,
    acceptor: acceptor.agent,
    diallerNonce: dialler.nonce,
    acceptorNonce: acceptor.nonce,
  };
}

function proofOf(
  secret: Buffer | undefined,
  role: 'dialler' | 'acceptor',
  transcript: Transcript,
): { proof?: string } {
  return secret === undefined ? {} : { proof: prove(secret, role, transcript) };
}

function checkProof(
  secret: Buffer | undefined,
  role: 'dialler' | 'acceptor',
  transcript: Transcript,
  proof: string | undefined,
): void {
  if (secret === undefined || isProof(proof, prove(secret, role, transcript))) return;
  const name = transcript[role];
  const what = proof === undefined ? 'did not prove' : 'has another secret, and so could not prove';
  throw new AgentError('PEER_REFUSED', `the agent that calls itself ${name} ${what} that it belongs here`);
}

async function expectFrame<K extends MeshFrame['kind']>(
  socket: FrameSocket,
  kind: K,
  signal: AbortSignal,
): Promise<Extract<MeshFrame, { kind: K }>> {
  const decoded = await socket.next(signal);
  if (decoded.fault !== undefined)
    throw new AgentError('FRAME_INVALID', `in the greeting: ${decoded.problem}`);
  const { frame } = decoded;
  if (frame.kind === 'failure') throw errorFromPeer('the peer', frame);
  if (frame.kind === kind) return frame as Extract<MeshFrame, { kind: K }>;
  throw new AgentError('FRAME_INVALID', `in the greeting: expected ${kind}, got ${frame.kind}`);
}
