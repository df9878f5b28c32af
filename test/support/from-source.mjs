// `node --import` this runs TypeScript from its sources, in threads too: tsx as an option of `node` leaves those out.
import { isMainThread } from 'node:worker_threads';

if (isMainThread) await import('tsx');
else (await import('tsx/esm/api')).register();
