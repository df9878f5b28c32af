import { execa } from 'execa';
import { LIFEBOAT, type LabHost } from '../support/lab-cluster.ts';

export interface Typed {
  readonly exitCode: number;
  readonly output: string;
}

/** Whoever follows an operation is not waited for any longer than this: that only stops the watching. */
const LONGEST_MS = 45_000;

/**
 * Types a line that the status printed on a host, as it is printed, into a shell on a terminal there, and answers yes where the command
 * asks. The shell is what leaves the remark behind `#` out.
 */
export async function typeCommand(host: LabHost, command: string): Promise<Typed> {
  const shell = `lifeboat() { '${process.execPath}' '${LIFEBOAT}' --socket '${host.socket}' "$@"; }; ${command}`;
  const { exitCode = -1, stdout } = await execa('script', ['-qefc', shell, '/dev/null'], {
    input: 'y\n',
    env: { SHELL: '/bin/sh' },
    reject: false,
    timeout: LONGEST_MS,
  });
  return { exitCode, output: stdout };
}
