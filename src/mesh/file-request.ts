/** A file's id in a URL: never a path, and so never a way out of a directory. */
const FILE_ID = /^(?!\.)[A-Za-z0-9._-]{1,128}$/;
const FILES_PATH = '/v1/files/';

/** What one `GET` asks for, or the status that answers it. */
export type RangeAnswer =
  | { readonly status: 200 | 206; readonly firstByte: number }
  | { readonly status: 412 }
  | { readonly status: 416 };

export function isFileId(text: string): boolean {
  return FILE_ID.test(text);
}

export function filePath(fileId: string): string {
  return `${FILES_PATH}${fileId}`;
}

/** The file id of a request's raw target; `undefined` for anything else. Nothing is decoded, so nothing is hidden. */
export function fileIdOf(target: string): string | undefined {
  if (!target.startsWith(FILES_PATH)) return undefined;
  const id = target.slice(FILES_PATH.length);
  return isFileId(id) ? id : undefined;
}

export function etagOf(sha256: string): string {
  return `"${sha256}"`;
}

/**
 * Decides by the headers (RFC 9110, 13 and 14) what part of a file is sent. Only `bytes=N-` is known; any other range is
 * answered with the whole file, as the RFC has it. `If-Match` makes sure that a resumed download is of the same file.
 */
export function judgeRange(
  headers: { readonly range?: string | undefined; readonly 'if-match'?: string | undefined },
  file: { readonly sizeBytes: number; readonly sha256: string },
): RangeAnswer {
  const wanted = headers['if-match'];
  if (wanted !== undefined && wanted !== '*' && wanted !== etagOf(file.sha256)) return { status: 412 };
  const range = /^bytes=(\d{1,15})-$/.exec(headers.range ?? '');
  if (range === null) return { status: 200, firstByte: 0 };
  const firstByte = Number(range[1]);
  return firstByte < file.sizeBytes ? { status: 206, firstByte } : { status: 416 };
}
