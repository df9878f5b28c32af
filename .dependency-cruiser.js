// The house plan. A room may import from rooms on lower floors, never from its own floor or above.
export const FLOORS = [
  ['base'],
  ['formats', 'config', 'observe'],
  ['audit', 'etcd', 'wal', 'bbolt', 'storage', 'mesh', 'supervisor', 'restore-tool', 'schedule'],
  ['mvcc', 'discovery'],
  ['snapshot'],
  ['backup', 'restore', 'put-back', 'membership'],
  ['drill', 'doctor', 'install'],
  ['http'],
  ['agent'],
  ['cli'],
];

const floorRules = FLOORS.flatMap((rooms, floor) =>
  rooms.map((room) => {
    const below = FLOORS.slice(0, floor).flat();
    return {
      name: `floor-${room}`,
      comment: `${room}/ may import only itself and: ${below.join(', ') || 'nothing'}. Name a port and let agent/ hand it in.`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: `^src/(${[room, ...below].join('|')})/` },
    };
  }),
);

// One room (or file) speaks to each outside thing; everyone else asks that room.
const owns = (name, packages, path) => ({
  name,
  comment: `${packages} is used in ${path} and nowhere else. Ask that room.`,
  severity: 'error',
  from: { path: '^src/', pathNot: path },
  to: { path: `(^|/)node_modules/(${packages})/|^(node:)?(${packages})$` },
});

// Files that decide. One on each line, so that two changes do not meet.
const PURE = {
  snapshot: ['ranking', 'retention'],
  restore: [
    'ballot',
    'choose-snapshot',
    'coordinator',
    'coordinator-state',
    'expected-revision',
    'fold-journal',
    'gate-verdict',
    'hook-record',
    'judge-outcomes',
    'judge-request',
    'judge-writes',
    'layout',
    'lineage-of',
    'decide-clean',
    'merge-generations',
    'name-of-line',
    'operation-audit',
    'next-commands',
    'participant',
    'phases',
    'plan-decision',
    'plan-guards',
    'plan-measurement',
    'plan-rehearsal',
    'plan-revisions',
    'plan-shapes',
    'plan-versions',
    'plan-wish',
    'planned-file',
    'propose-actions',
  ],
  audit: ['audit-tally'],
  membership: ['decide-join', 'standing-of'],
  'restore-tool': ['choose-tool', 'restore-arguments'],
  'put-back': ['decide-key', 'judge-proof', 'lineage', 'planned-writes', 'selection'],
  discovery: ['command-for', 'etcd-settings', 'launch', 'unit-launch'],
  drill: ['activity', 'etcd-flags', 'judge-served', 'last-words'],
  doctor: ['check', 'judge-[a-z]+'],
};
const pureFiles = Object.entries(PURE)
  .map(([room, files]) => `${room}/(${files.join('|')})`)
  .join('|');

export default {
  forbidden: [
    ...floorRules,
    owns('etcd-speaks-grpc', '@grpc/[^/]+|@bufbuild/[^/]+', '^src/etcd/'),
    owns('mesh-speaks-websocket', 'ws', '^src/mesh/'),
    owns('processes-start-in-base', 'execa|child_process', '^src/base/'),
    owns('one-door-to-cron', 'node-cron', '^src/schedule/'),
    owns('one-door-to-hash-wasm', 'hash-wasm', '^src/base/crc32c[.]ts$'),
    owns('one-logger', 'pino', '^src/observe/'),
    owns('one-metrics-library', 'prom-client', '^src/observe/'),
    owns('schemas-in-two-rooms', 'zod', '^src/(formats|config)/'),
    owns('yaml-is-configuration', 'yaml', '^src/config/'),
    owns('cli-owns-commander', 'commander|@clack/prompts', '^src/cli/'),
    {
      name: 'settings-are-handed-in',
      comment: 'Rooms take the settings they are given; only agent/ and cli/ run the loader.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(config|agent|cli)/|^src/main[.]ts$' },
      to: { path: '^src/config/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'http-sees-a-view',
      comment: 'The web faces know a view that is handed in, not the rooms behind it.',
      severity: 'error',
      from: { path: '^src/http/' },
      to: { path: '^src/', pathNot: '^src/(http|base|formats|observe)/' },
    },
    {
      name: 'decisions-are-pure',
      comment: 'These files decide; they never read a clock, a disk, a socket or a process.',
      severity: 'error',
      from: {
        path: `^src/(${pureFiles})[.]ts$`,
      },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?path(/posix)?$' },
    },
    {
      name: 'inner-rooms-are-private',
      comment: 'A folder inside a room (etcd/generated/) belongs to that room alone.',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/[^/]+/', pathNot: '^src/$1/' },
    },
    {
      name: 'no-barrels',
      comment: 'Import the file that has what you need.',
      severity: 'error',
      from: {},
      to: { path: '^src/.*/index[.]ts$' },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one file, or three.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'Nothing imports it: delete it, or connect it.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '^src/(main|thread)[.]ts$' },
      to: {},
    },
    {
      name: 'nothing-missing',
      comment: 'It does not resolve.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-dependency-at-run-time',
      comment: 'Users install without devDependencies.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'src-knows-no-test',
      comment: 'The product does not import its tests.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Without it, type-only imports are invisible.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
