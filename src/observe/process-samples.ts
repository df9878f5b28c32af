import { readdir } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { sample, type Sample } from './metrics.ts';

/** What the process says of itself, asked when somebody wants to know. */
export async function processSamples(): Promise<Sample[]> {
  const { user, system } = process.cpuUsage();
  const openFiles = await readdir('/proc/self/fd').catch(() => undefined);
  return [
    sample('process_cpu_seconds_total', (user + system) / 1e6),
    sample('process_resident_memory_bytes', process.memoryUsage.rss()),
    sample('process_start_time_seconds', performance.timeOrigin / 1000),
    ...(openFiles === undefined ? [] : [sample('process_open_fds', openFiles.length)]),
    sample('etcd_lifeboat_event_loop_busy_seconds_total', performance.eventLoopUtilization().active / 1000),
  ];
}
