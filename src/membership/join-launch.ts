import { configFileOf, readFlags, variableOf, type EtcdLaunch } from '../discovery/launch.ts';

/** How etcd is started once to join: as its supervisor starts it, but for how it finds its cluster. */
export interface JoinLaunch {
  readonly argv: readonly string[];
  /** `undefined` takes a variable away. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What must be in the file that `argv` names. JSON is YAML too. */
  readonly configFile?: string;
}

/** Everything that tells etcd how a cluster begins. Two ways at once are an error to it (etcd: server/embed/config.go, Validate). */
const BOOTSTRAP_FLAGS = [
  'initial-cluster',
  'initial-cluster-state',
  'initial-cluster-token',
  'force-new-cluster',
  'discovery',
  'discovery-srv',
  'discovery-srv-name',
  'discovery-proxy',
  'discovery-fallback',
  'discovery-token',
  'discovery-endpoints',
];

/**
 * The launch with `--initial-cluster-state existing` and the list of members. With a configuration file, of which etcd takes
 * everything and nothing else, the file's content is changed and named as `configPath`. A variable beside a flag of the same meaning
 * ends etcd at once (etcd: pkg/flags/flag.go, verifyEnv), so the variables go.
 */
export function joinLaunch(launch: EtcdLaunch, initialCluster: string, configPath: string): JoinLaunch {
  const environment = {
    ...launch.environment,
    ...Object.fromEntries(BOOTSTRAP_FLAGS.map((flag) => [variableOf(flag), undefined])),
  };
  const [program = ''] = launch.argv;
  if (configFileOf(launch) !== undefined) {
    const content = withoutBootstrap(launch.configFile);
    const joined = { ...content, 'initial-cluster': initialCluster, 'initial-cluster-state': 'existing' };
    return {
      argv: [program, `--config-file=${configPath}`],
      environment: { ...environment, [variableOf('config-file')]: undefined },
      configFile: `${JSON.stringify(joined, undefined, 2)}\n`,
    };
  }
  const flags = [...readFlags(launch.argv)].filter(([name]) => !BOOTSTRAP_FLAGS.includes(name));
  return {
    argv: [
      program,
      ...flags.map(([name, value]) => `--${name}=${value}`),
      `--initial-cluster=${initialCluster}`,
      '--initial-cluster-state=existing',
    ],
    environment,
  };
}

function withoutBootstrap(content: unknown): Record<string, unknown> {
  if (typeof content !== 'object' || content === null) return {};
  return Object.fromEntries(Object.entries(content).filter(([name]) => !BOOTSTRAP_FLAGS.includes(name)));
}

/**
 * etcd's `--initial-cluster` with the new member. Members are compared by their peer URLs, so that one without a name, or with the
 * name of this host, may go by its ID (etcd: server/etcdserver/api/membership/cluster.go, ValidateClusterAndAssignIDs).
 */
export function initialClusterOf(
  members: readonly { readonly id: string; readonly name: string; readonly peerUrls: readonly string[] }[],
  own: { readonly memberId: string; readonly name: string },
): string {
  return members
    .flatMap(({ id, name, peerUrls }) => {
      const called = id === own.memberId ? own.name : name === '' || name === own.name ? id : name;
      return peerUrls.map((url) => `${called}=${url}`);
    })
    .join(',');
}
