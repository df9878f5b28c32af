import { execa } from 'execa';

/** Makes the packages before the first test of the project, where `npm run test:hosts` looks for them too. */
export async function setup(): Promise<void> {
  await execa('npm', ['run', '--silent', 'package']);
}
