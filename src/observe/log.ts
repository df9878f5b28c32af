/** Facts that go beside a message: plain values, never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What a room may say. The sentence is fixed from `warn` up; what varies goes into the fields. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** The same log with fields that go with every line. */
  with(fields: LogFields): Log;
}
