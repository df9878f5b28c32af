import type { Clock } from '../base/clock.ts';
import type { FrameSocket } from './frame-socket.ts';
import { slept } from './time-limit.ts';

interface PulseOptions {
  readonly clock: Clock;
  readonly heartbeatMs: number;
  /** Aborted when the socket is gone. */
  readonly signal: AbortSignal;
  readonly onRoundTrip: (ms: number) => void;
}

/** A host that lost power says nothing: only silence shows it. */
const SILENT_BEATS = 2;

/** Pings the other side at every heartbeat, and cuts the connection after two of them without a sign of life. */
export async function watchPulse(socket: FrameSocket, options: PulseOptions): Promise<void> {
  const { clock, heartbeatMs, signal } = options;
  let sentAt = 0;
  socket.onPong(() => {
    options.onRoundTrip(Math.max(0, clock.now() - sentAt));
  });
  for (let silent = 0; ;) {
    const before = socket.activity;
    sentAt = clock.now();
    socket.ping();
    if (!(await slept(clock, heartbeatMs, signal))) return;
    silent = socket.activity === before ? silent + 1 : 0;
    if (silent >= SILENT_BEATS) socket.cut(`it gave no sign of life for ${silent * heartbeatMs} ms`);
  }
}
