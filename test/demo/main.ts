import { readOptions, USAGE, type DemoOptions } from './options.ts';
import { runDemo } from './run-demo.ts';

const WRONG_USAGE = 2;

const options = optionsOrUsage();
// What a library keeps open must not hold up the end.
process.exit(typeof options === 'number' ? options : await runDemo(options));

function optionsOrUsage(): DemoOptions | number {
  try {
    const read = readOptions(process.argv.slice(2));
    if (read !== undefined) return read;
    process.stdout.write(USAGE);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return WRONG_USAGE;
  }
}
