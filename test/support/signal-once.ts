/** Sends `signal` to a process at the first call only: by the second it may be gone, and its number another's. */
export function signalOnce(pid: number, signal: NodeJS.Signals): () => void {
  let sent = false;
  return () => {
    if (sent) return;
    sent = true;
    process.kill(pid, signal);
  };
}
