import { isUtf8 } from 'node:buffer';
import { AgentError } from '../base/agent-error.ts';

/** What a person reads as itself. Marks join the letter before them and a blank may be of many widths: neither is among them. */
const SHOWN_AS_IS = /^[\p{L}\p{N}\p{P}\p{S} ]$/u;
/** What most keys are made of. */
const PLAIN = /^[!-[\]-~]*$/;
const NAMED_ESCAPES = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);
const BYTE_OF_NAME = new Map([
  ['\\', 0x5c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
]);
const ESCAPE = /\\(?:x([0-9A-Fa-f]{2})|([\\nrt]))/y;

/**
 * A key as a person can read and type it: UTF-8, with `\\`, `\n`, `\r`, `\t` and `\x00` for what has no shape of its own. Different
 * keys always look different, and `keyOfText` reads every one back. Safe on a terminal.
 */
export function keyText(key: Buffer): string {
  if (!isUtf8(key)) return Array.from(key, shownByte).join('');
  const text = key.toString();
  if (PLAIN.test(text)) return text;
  const shown = Array.from(text, shownLetter).join('');
  // A blank at an end would be lost to the eye.
  return shown.replace(/^ | $/g, '\\x20');
}

/**
 * The bytes that `keyText` shows like this, or that a person typed in its manner.
 *
 * @throws {AgentError} `USAGE` for a backslash that begins nothing of that.
 */
export function keyOfText(text: string): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < text.length;) {
    const next = text.indexOf('\\', at);
    if (next < 0) return Buffer.concat([...parts, Buffer.from(text.slice(at))]);
    const { byte, end } = escapeAt(text, next);
    parts.push(Buffer.from(text.slice(at, next)), Buffer.of(byte));
    at = end;
  }
  return Buffer.concat(parts);
}

function escapeAt(text: string, at: number): { byte: number; end: number } {
  ESCAPE.lastIndex = at;
  const [whole, hex, name = ''] = ESCAPE.exec(text) ?? [];
  const byte = hex === undefined ? BYTE_OF_NAME.get(name) : Number.parseInt(hex, 16);
  if (whole !== undefined && byte !== undefined) return { byte, end: at + whole.length };
  throw new AgentError(
    'USAGE',
    `${text.slice(at, at + 4)} in a key is no escape: write \\\\ for a backslash, \\x00 for a byte`,
  );
}

function shownLetter(letter: string): string {
  const named = NAMED_ESCAPES.get(letter);
  if (named !== undefined) return named;
  if (SHOWN_AS_IS.test(letter)) return letter;
  return Array.from(Buffer.from(letter), escapedByte).join('');
}

/** Of a key that is not UTF-8: only ASCII is read as letters. */
function shownByte(byte: number): string {
  const letter = String.fromCharCode(byte);
  if (byte > 0x20 && byte < 0x7f) return NAMED_ESCAPES.get(letter) ?? letter;
  return escapedByte(byte);
}

function escapedByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
