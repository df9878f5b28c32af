import { serveThreadJob } from './base/serve-thread-job.ts';
import { PROOF_JOBS } from './snapshot/proof-jobs.ts';

serveThreadJob(PROOF_JOBS);
