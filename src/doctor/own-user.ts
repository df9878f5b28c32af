import { userInfo } from 'node:os';

/** Who looks. A process may run under a number that no user has. */
export function ownUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
