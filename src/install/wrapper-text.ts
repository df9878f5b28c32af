/** What the agent's Node is started with. docs/install.md has the numbers. */
const NODE_FLAGS = ['--max-semi-space-size=2'];

/**
 * The `lifeboat` program of an installed package: a shell script that becomes our Node.
 *
 * @param libraryDirectory - Where `node` and `lifeboat.mjs` are: absolute.
 */
export function wrapperText(libraryDirectory: string): string {
  return scriptText([`library='${libraryDirectory.replaceAll("'", `'\\''`)}'`]);
}

/** The same for a tree that runs wherever it was unpacked, also through a symbolic link. */
export function relativeWrapperText(): string {
  return scriptText([
    'program=$(readlink -f -- "$0") || exit 1',
    'library=${program%/bin/*}/lib/etcd-lifeboat',
  ]);
}

function scriptText(findLibrary: readonly string[]): string {
  return `#!/bin/sh
# etcd-lifeboat, run by the Node that came with it.
${findLibrary.join('\n')}
# Options that somebody exported for another Node are none of its business.
unset NODE_OPTIONS
exec "$library/node" ${NODE_FLAGS.join(' ')} "$library/lifeboat.mjs" "$@"
`;
}
