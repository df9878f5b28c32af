import { systemClock } from '../../../src/base/clock.ts';
import { openSupervisor, type SupervisorOptions } from '../../../src/supervisor/open-supervisor.ts';
import { silentLog } from '../../support/silent-log.ts';

// The part of an agent that matters here, in a process that a test can kill: opens the supervisor of the options in
// its first argument, and lives on until its standard input ends; then it closes the supervisor in order.
const options = JSON.parse(process.argv[2] ?? '') as SupervisorOptions;
const { signal } = new AbortController();
const supervisor = await openSupervisor(options, { clock: systemClock, log: silentLog }, signal);
process.stdout.write('open\n');
process.stdin.resume().on('end', () => {
  supervisor.close().catch((error: unknown) => {
    process.stderr.write(String(error));
    process.exitCode = 1;
  });
});
