import { openHostLab } from './host-lab.ts';

// A process that opens a lab, says where it is, and then does nothing until somebody kills it.
const lab = await openHostLab(1);
await Promise.all(
  lab.hosts.map(async (host) => {
    await host.install();
    await host.boot();
  }),
);
process.stdout.write(`${JSON.stringify(lab.place)}\n`);
await new Promise(() => undefined);
