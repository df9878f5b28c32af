import { parentPort, workerData } from 'node:worker_threads';
import { playSeries } from './series.ts';

// One thread of `npm run simulate`: plays its share of the runs.

const { seed, firstRun, runs } = workerData as { seed: number; firstRun: number; runs: number };
const tally = playSeries({
  seed,
  firstRun,
  runs,
  onProgress: (played) => parentPort?.postMessage({ type: 'progress', played }),
});
parentPort?.postMessage({ type: 'tally', tally });
