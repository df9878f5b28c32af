/** `20261123T143000Z`, for names: they sort by time, and no file system or shell minds them. */
export function compactTime(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}
