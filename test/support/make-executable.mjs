// tsc writes without the executable bit; `bin` needs it when the package is linked or copied.
import { chmodSync, writeFileSync } from 'node:fs';

chmodSync(new URL('../../dist/main.js', import.meta.url), 0o755);
// What prepare.mjs compares the sources with.
writeFileSync(new URL('../../dist/.built', import.meta.url), '');
