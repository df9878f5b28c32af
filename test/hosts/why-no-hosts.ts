import { execaSync } from 'execa';
import { existsSync } from 'node:fs';

/** Why there can be no hosts on this machine, or `undefined` when there can. */
export function whyNoHosts(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const programs = ['systemd-nspawn', 'etcd', 'etcdctl', 'pkaction', 'dbus-daemon', 'dpkg-deb', 'ip'];
  const missing = programs.filter(
    (name) => execaSync('sh', ['-c', `command -v ${name}`], { reject: false }).failed,
  );
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  return existsSync('/lib/systemd/system/etcd.service')
    ? undefined
    : "needs the unit of Debian's etcd-server";
}

/** For the name of what is skipped. */
export function inBrackets(reason: string | undefined): string {
  return reason === undefined ? '' : ` (skipped: ${reason})`;
}
