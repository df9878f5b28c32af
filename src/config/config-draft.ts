/** What a first configuration is made of: values that were found, and those that only the operator knows. */
export interface ConfigDraft {
  readonly agent: { readonly name: string; readonly stateDir?: string; readonly controlSocket?: string };
  readonly etcd: {
    readonly memberName: string;
    readonly peerUrls: readonly string[];
    readonly dataDir: string | undefined;
    readonly walDir?: string;
    readonly endpoint: string | undefined;
    readonly binary?: string;
    readonly owner?: string;
    readonly tls?: DraftTls;
  };
  readonly supervisor: DraftSupervisor;
  readonly mesh: {
    readonly listen: string;
    readonly peers: readonly { readonly name: string; readonly url: string }[];
    /** Absent where there are no peers, or all are on this host. */
    readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  };
  readonly cron: string;
  /** The keys that the operator has to look after, by path: `etcd.tls.caFile`. */
  readonly open: readonly OpenKey[];
}

/** A key whose value is missing, or is only a place where something belongs. */
export interface OpenKey {
  readonly key: string;
  /** One sentence: what is to be done. */
  readonly why: string;
}

interface DraftTls {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly serverName?: string;
}

type DraftSupervisor =
  | { readonly kind: 'systemd'; readonly unit: string; readonly systemctl?: string }
  | { readonly kind: 'process'; readonly command: readonly string[] }
  /** Nobody knows who runs etcd: the operator chooses. */
  | { readonly kind: 'open'; readonly command: readonly string[] };
