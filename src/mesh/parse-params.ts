import { AgentError } from '../base/agent-error.ts';

/** What checks and names the parameters of a method, as the schemas of formats/ do. */
export interface ParamsSchema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: { message: string } };
}

/** @throws {AgentError} `FRAME_INVALID` for what a peer sent and the schema does not take. */
export function parseParams<T>(schema: ParamsSchema<T>, params: unknown): T {
  const parsed = schema.safeParse(params);
  if (parsed.success) return parsed.data;
  throw new AgentError('FRAME_INVALID', `the parameters do not fit: ${parsed.error.message.slice(0, 500)}`);
}
