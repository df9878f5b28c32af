import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { messageOf } from '../base/agent-error.ts';
import type { Problem } from './problem.ts';

/** The library's own messages quote the line they complain about, and with it what may be a secret: so these are ours. */
const SYNTAX: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'a value that begins with * is an alias in YAML: quote it',
  BAD_COLLECTION_TYPE: 'this tag does not fit its value',
  BAD_DQ_ESCAPE: 'this escape is unknown between double quotes: use single quotes',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_SCALAR_START: 'a value that begins with this character must be quoted',
  BLOCK_AS_IMPLICIT_KEY: 'a key and its value are nested on one line: use a line each, or quote the colon',
  DUPLICATE_KEY: 'this key is given twice',
  MISSING_CHAR: 'a closing quote, bracket, brace or comma, or the space after a colon, is missing',
  MULTILINE_IMPLICIT_KEY: 'a colon is missing after a key, or the value needs quotes',
  MULTIPLE_DOCS: 'the file must hold one document: remove the `---` in its middle',
  RESOURCE_EXHAUSTION: 'the nesting is too deep',
  TAB_AS_INDENT: 'a tab indents this line: YAML takes only spaces',
  TAG_RESOLVE_FAILED: 'this tag is unknown: quote a value that begins with !',
  UNEXPECTED_TOKEN: 'this does not belong here: a value that begins with * or another sign needs quotes',
};

/** More than anybody writes by hand, and little enough that aliases cannot blow up memory. */
const MAX_ALIAS_EXPANSIONS = 100;

export interface Place {
  readonly line: number;
  readonly col: number;
}

/** A configuration file's text with the place of everything in it. */
export interface YamlText {
  /** The plain value; `undefined` when `syntaxProblems` is not empty. */
  readonly value: unknown;
  /** Everything that is not YAML; the first of each line, as the others mostly follow from it. */
  readonly syntaxProblems: readonly (Place & { readonly message: string })[];
  /** Where a problem is, or its nearest parent that is there. */
  placeOf(problem: Problem): Place;
}

export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  // A warning (an unknown tag, say) is a value that does not mean what it looks like.
  const faults = [...document.errors, ...document.warnings].map((fault) => ({
    ...lines.linePos(fault.pos[0]),
    message: SYNTAX[fault.code] ?? `not valid YAML (${fault.code})`,
  }));
  const placeOf = (problem: Problem): Place => lines.linePos(offsetOf(document, problem));
  if (faults.length > 0) return { value: undefined, syntaxProblems: firstOfEachLine(faults), placeOf };
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIAS_EXPANSIONS }), syntaxProblems: [], placeOf };
  } catch (error) {
    if (!messageOf(error).includes('alias')) throw error;
    const message = 'the aliases expand to too much';
    return { value: undefined, syntaxProblems: [{ line: 1, col: 1, message }], placeOf };
  }
}

function firstOfEachLine<T extends Place>(faults: readonly T[]): T[] {
  return faults.filter((fault, index) => faults.findIndex(({ line }) => line === fault.line) === index);
}

function offsetOf(document: Document.Parsed, problem: Problem): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const [depth, part] of problem.path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const found = childOf(node, part);
    if (found === undefined) return offset;
    const last = depth === problem.path.length - 1;
    offset =
      (last && problem.atKey === true ? undefined : rangeStart(found.value)) ??
      rangeStart(found.key) ??
      offset;
    node = found.value;
  }
  return offset;
}

function childOf(node: unknown, part: string | number): { key: unknown; value: unknown } | undefined {
  if (isSeq(node)) {
    const value = typeof part === 'number' ? node.items[part] : undefined;
    return value === undefined ? undefined : { key: undefined, value };
  }
  if (!isMap(node)) return undefined;
  return node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
}

function rangeStart(node: unknown): number | undefined {
  if (!isScalar(node) && !isMap(node) && !isSeq(node) && !isAlias(node)) return undefined;
  return node.range?.[0];
}
