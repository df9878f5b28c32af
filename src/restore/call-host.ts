/** Asks one participant; this agent's own is asked like any other. */
export type CallHost = (
  agent: string,
  method: string,
  params: unknown,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<unknown>;
