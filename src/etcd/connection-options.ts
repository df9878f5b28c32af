/** How to reach one etcd member. Files are read when a channel opens, so a renewal needs no restart. */
export interface EtcdConnectionOptions {
  /** `http://host:port`, `https://host:port`, `unix:///path/of/socket`, or `unixs:///path/of/socket` with TLS. */
  readonly endpoint: string;
  readonly tls?: EtcdTlsFiles;
  readonly auth?: EtcdAuth;
  /** The longest that a single answer may take, connecting included. Not for snapshot, HashKV and defragmentation. */
  readonly requestTimeoutMs: number;
}

export interface EtcdTlsFiles {
  readonly caFile: string;
  /** With `keyFile`: what this client shows of itself (etcd's `--client-cert-auth`). */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The name that the server's certificate must carry, when it is not the endpoint's host. */
  readonly serverName?: string;
}

export interface EtcdAuth {
  readonly user: string;
  /** Holds the password; one line end after it is not part of it. */
  readonly passwordFile: string;
}
