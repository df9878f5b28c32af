import { AgentError } from '../base/agent-error.ts';

/** What the operator asked for. */
export interface InstallWish {
  /** Absolute. Units and polkit's rule go below /etc all the same: that is where systemd and polkit look. */
  readonly prefix: string;
  /** etcd's unit: the one that is kept from starting while a restore holds it. */
  readonly unit: string;
  /** Who the agent runs as: the user of etcd. */
  readonly user: string;
}

// The unit hides these from the agent (ProtectHome=, PrivateTmp=), or they do not outlive a reboot.
const HIDDEN = ['/home', '/root', '/run', '/tmp', '/var/tmp', '/dev', '/proc', '/sys'];

/** @throws {AgentError} `USAGE`, when the wish could not work or would end in somebody else's files. */
export function checkWish({ prefix, unit, user }: InstallWish): void {
  // It ends in a unit file and in a shell script; no character of these needs quoting in either.
  if (!/^(\/[A-Za-z0-9._+-]+)+$/.test(prefix) || prefix.split('/').includes('..')) {
    throw new AgentError(
      'USAGE',
      `--prefix takes an absolute path of letters, digits and . _ + -: ${prefix}`,
    );
  }
  const hidden = HIDDEN.find((directory) => prefix === directory || prefix.startsWith(`${directory}/`));
  if (hidden !== undefined) {
    throw new AgentError(
      'USAGE',
      `--prefix ${prefix}: the agent's unit cannot see ${hidden}; /usr/local and /opt work`,
    );
  }
  if (prefix === '/usr') throw new AgentError('USAGE', '--prefix /usr belongs to the .deb');
  if (!/^[A-Za-z0-9:_.\\@-]{1,200}\.service$/.test(unit)) {
    throw new AgentError('USAGE', `--unit takes the name of a service, such as etcd.service: ${unit}`);
  }
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user)) {
    throw new AgentError('USAGE', `--user takes the name of a user: ${user}`);
  }
}
