import { AgentError } from '../base/agent-error.ts';
import type { InstallWish } from './install-wish.ts';

/** The first line of a unit file that `lifeboat install` wrote. The .deb's preinst looks for it. */
const MARK = '# Installed by `lifeboat install`; `lifeboat uninstall` removes it.\n';

/** A unit of the agent, for a program below `prefix` and the user of etcd. */
export function agentUnitText(text: string, { prefix, user }: InstallWish): string {
  const withProgram = replaced(text, 'ExecStart=/usr/bin/lifeboat ', `ExecStart=${prefix}/bin/lifeboat `);
  const withUser = replaced(withProgram, '\nUser=etcd\n', `\nUser=${user}\n`);
  return MARK + withUser.replaceAll('file:///usr/share/doc/', `file://${prefix}/share/doc/`);
}

/** The prefix that a unit of the agent was installed for; `undefined` for a unit that somebody else wrote. */
export function installedPrefixOf(unitText: string): string | undefined {
  if (!unitText.startsWith(MARK)) return undefined;
  return /^ExecStart=(\S+)\/bin\/lifeboat /m.exec(unitText)?.[1];
}

/** polkit's rule, for the user of etcd and etcd's unit. */
export function polkitRuleText(text: string, { unit, user }: InstallWish): string {
  const withUser = replaced(text, 'subject.user === "etcd"', `subject.user === ${JSON.stringify(user)}`);
  if (/^etcd(@[A-Za-z0-9:_.\\-]+)?\.service$/.test(unit)) return withUser;
  const lookup = /\/\^etcd.*\$\/\.test\(action\.lookup\("unit"\)\)/;
  if (!lookup.test(withUser)) throw unexpected('the unit that the rule is for');
  return withUser.replace(lookup, () => `action.lookup("unit") === ${JSON.stringify(unit)}`);
}

/** @throws {AgentError} `INTERNAL`: the file is not the one that this release came with, or neither of us was adapted to the other. */
function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw unexpected(from.trim());
  return text.replace(from, () => to);
}

function unexpected(what: string): AgentError {
  return new AgentError('INTERNAL', `the file to adapt does not say ${what}`);
}
