import { getPriority } from 'node:os';
import { AgentError } from '../../../src/base/agent-error.ts';
import type { OnBytes } from '../../../src/base/hash-file.ts';
import { serveThreadJob } from '../../../src/base/serve-thread-job.ts';

serveThreadJob({
  double: ({ number }: { number: number }) => number * 2,
  niceness: () => getPriority(),
  count: (_params: never, onBytes: OnBytes) => {
    for (let bytes = 0; bytes <= 64 << 20; bytes += 1 << 20) onBytes(bytes);
    return 'counted';
  },
  refuse: () => {
    const cause = Object.assign(new Error('read: i/o error'), { code: 'EIO' });
    throw new AgentError('FILE_UNREADABLE', 'the disk failed', {
      cause,
      details: { path: '/x', sizeBytes: 5, findings: ['one', 'two'] },
    });
  },
  stumble: () => {
    throw Object.assign(new Error('no such thing'), { code: 'ENOENT' });
  },
  spin: (_params: never, onBytes: OnBytes) => {
    for (let bytes = 0; ; bytes += 8 << 20) onBytes(bytes % Number.MAX_SAFE_INTEGER);
  },
  hoard: () => {
    const kept: object[] = [];
    for (;;) kept.push({ kept: kept.length });
  },
  leave: () => process.exit(7),
});
