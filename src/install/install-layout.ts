import { AgentError } from '../base/agent-error.ts';
import { agentUnitText, polkitRuleText } from './adapt-unit.ts';
import type { InstallWish } from './install-wish.ts';
import { wrapperText } from './wrapper-text.ts';

/** One file of an installation. */
export interface InstallFile {
  readonly path: string;
  readonly mode: number;
  readonly content: { readonly text: string } | { readonly source: string };
}

/** An unpacked distribution: what is in it, by the path below its root. */
export interface Distribution {
  readonly root: string;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
  /** The texts of `lib/etcd-lifeboat/systemd/`, by file name. */
  readonly systemd: ReadonlyMap<string, string>;
}

/** Where the record of an installation is. */
export function recordPath(prefix: string): string {
  return `${prefix}/lib/etcd-lifeboat/installed.json`;
}

/**
 * All files of an installation, in the order in which they are written: what keeps etcd from starting before the agent that relies on it, the
 * units last.
 */
export function installLayout(distribution: Distribution, wish: InstallWish): InstallFile[] {
  const { root, files } = distribution;
  const copied = files
    .filter(({ path }) => path !== 'bin/lifeboat')
    .map(({ path, mode }) => ({
      path: `${wish.prefix}/${path}`,
      mode,
      content: { source: `${root}/${path}` },
    }));
  const systemd = [...distribution.systemd].map(([name, text]) => systemFile(name, text, wish));
  const isUnit = ({ path }: InstallFile): boolean => path.endsWith('.service');
  return [
    ...copied,
    {
      path: `${wish.prefix}/bin/lifeboat`,
      mode: 0o755,
      content: { text: wrapperText(`${wish.prefix}/lib/etcd-lifeboat`) },
    },
    ...systemd.filter((file) => !isUnit(file)),
    ...systemd.filter(isUnit),
  ];
}

function systemFile(name: string, text: string, wish: InstallWish): InstallFile {
  const file = (path: string, content: string): InstallFile => ({
    path,
    mode: 0o644,
    content: { text: content },
  });
  if (name === 'etcd-hold.conf')
    return file(`/etc/systemd/system/${wish.unit}.d/50-lifeboat-hold.conf`, text);
  if (name === 'etcd-hold@.conf')
    return file('/etc/systemd/system/etcd@.service.d/50-lifeboat-hold.conf', text);
  if (name.endsWith('.service')) return file(`/etc/systemd/system/${name}`, agentUnitText(text, wish));
  if (name.endsWith('.rules')) return file(`/etc/polkit-1/rules.d/${name}`, polkitRuleText(text, wish));
  throw new AgentError('INTERNAL', `${name}: nothing is known about where it goes`);
}
