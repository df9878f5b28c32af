import { z } from 'zod';

export interface ProtocolRange {
  readonly oldest: number;
  readonly newest: number;
}

/**
 * Protocol generations this build speaks. A field may be added within a generation (readers skip
 * what they do not know); anything else raises `newest`, and `oldest` follows one release later.
 */
export const PROTOCOL: ProtocolRange = { oldest: 1, newest: 1 };

/** The longest a request may ask its peer to work on it: one day. */
const LONGEST_REQUEST_MS = 86_400_000;

const LONGEST_MESSAGE_CHARS = 8192;
const hex256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 32 bytes in lower-case hex');
const requestId = z.int().positive();

const hello = z.object({
  kind: z.literal('hello'),
  protocol: z.object({ oldest: z.int().positive(), newest: z.int().positive() }),
  agent: z.string().min(1).max(255),
  journalId: z.string().min(1).max(128),
  release: z.string().max(64),
  nonce: hex256,
  /** From the accepting side only, when the agents share a secret: see mesh/shared-secret.ts. */
  proof: hex256.optional(),
});

/** The dialling side's answer to the other hello. Without a shared secret TLS has proved it already. */
const proof = z.object({ kind: z.literal('proof'), proof: hex256.optional() });

/** The accepting side is content: requests may follow in both directions. */
const welcome = z.object({ kind: z.literal('welcome') });

const request = z.object({
  kind: z.literal('request'),
  /** Echoed by the answer; unique per link and direction. */
  id: requestId,
  method: z.string().min(1).max(128),
  params: z.unknown().optional(),
  /** The asking side gives up after this time; the answering side then stops its work too. */
  timeoutMs: z.int().positive().max(LONGEST_REQUEST_MS),
});

const response = z.object({ kind: z.literal('response'), id: requestId, result: z.unknown().optional() });

const failure = z.object({
  kind: z.literal('failure'),
  /** Absent when it answers no request: the link itself was refused, or a frame had no readable id. */
  id: requestId.optional(),
  code: z.string().max(64),
  message: z.string().transform((text) => text.slice(0, LONGEST_MESSAGE_CHARS)),
  // What a newer release puts here must not cost us the message.
  details: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
    .catch({}),
  retryable: z.boolean(),
});

/** The asking side no longer waits for this answer. */
const cancel = z.object({ kind: z.literal('cancel'), id: requestId });

const meshFrame = z.discriminatedUnion('kind', [hello, proof, welcome, request, response, failure, cancel]);
const outline = z.object({ kind: z.string(), id: requestId.optional().catch(undefined) });
const KINDS: ReadonlySet<string> = new Set(meshFrame.options.map((option) => option.shape.kind.value));

export type MeshFrame = z.infer<typeof meshFrame>;
export type HelloFrame = z.infer<typeof hello>;
export type RequestFrame = z.infer<typeof request>;
export type FailureFrame = z.infer<typeof failure>;

/** A frame as it arrived: read, or what is wrong with it and whom to answer. */
export type DecodedFrame =
  | { readonly fault?: never; readonly frame: MeshFrame }
  | { readonly fault: 'not-json'; readonly problem: string }
  | {
      readonly fault: 'unknown-kind' | 'invalid';
      readonly problem: string;
      readonly kind: string;
      readonly id?: number;
    };

/** Reads one text message. Never throws: what a peer sent wrongly is a value here. */
export function decodeFrame(text: string): DecodedFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: 'not-json', problem: 'the frame is not JSON' };
  }
  const parsed = meshFrame.safeParse(value);
  if (parsed.success) return { frame: parsed.data };
  return faultOf(value, parsed.error.issues[0]);
}

function faultOf(value: unknown, issue: z.core.$ZodIssue | undefined): DecodedFrame {
  const seen = outline.safeParse(value);
  if (!seen.success) return { fault: 'unknown-kind', problem: 'the frame has no kind', kind: '' };
  const kind = seen.data.kind.slice(0, 64);
  const whom = seen.data.id === undefined ? { kind } : { kind, id: seen.data.id };
  if (!KINDS.has(kind)) {
    return { fault: 'unknown-kind', problem: `the kind ${JSON.stringify(kind)} is not known here`, ...whom };
  }
  const where = [kind, ...(issue?.path ?? [])].map(String).join('.');
  return { fault: 'invalid', problem: `${where}: ${issue?.message ?? 'it is invalid'}`, ...whom };
}

/** The frame as it goes over the wire. Throws a `TypeError` for what JSON cannot say (cycles, bigint). */
export function encodeFrame(frame: MeshFrame): string {
  return JSON.stringify(frame);
}

/** The newest generation both sides speak, or `undefined` when there is none and the link must close. */
export function commonProtocol(ours: ProtocolRange, theirs: ProtocolRange): number | undefined {
  const newest = Math.min(ours.newest, theirs.newest);
  return newest >= Math.max(ours.oldest, theirs.oldest) ? newest : undefined;
}

/** `mesh.ticket`: leave to download one file once, where TLS does not say who asks. */
export const ticketParams = z.object({ fileId: z.string().min(1).max(128) });
export const ticketResult = z.object({ ticket: hex256 });
