/** A throw-away etcd that ended before it had answered everything. */
export class EtcdEnded extends Error {
  override readonly name = 'EtcdEnded';
  /** As the kernel told it: `exit status 2`, `signal SIGKILL`. */
  readonly how: string;
  /** What it said last. */
  readonly words: string;

  constructor(how: string, words: string) {
    super(`etcd ended by itself (${how}): ${words}`);
    this.how = how;
    this.words = words;
  }
}
