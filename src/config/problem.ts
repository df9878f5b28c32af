/** One thing that is wrong with the configuration, and where in its tree. */
export interface Problem {
  readonly path: readonly (string | number)[];
  /** Completes "etcd.dataDir: …". Never holds text from the file: it could be a secret under the wrong key. */
  readonly message: string;
  /** The place is the key itself, not its value. */
  readonly atKey?: boolean;
}
