// tsc writes without the executable bit; `bin` needs it when the package is linked or copied.
import { chmodSync } from 'node:fs';

chmodSync(new URL('../../dist/main.js', import.meta.url), 0o755);
