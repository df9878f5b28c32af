import { createTask, validateDetailed } from 'node-cron';
import { messageOf } from '../base/agent-error.ts';

/** What keeps a cron expression from being scheduled in a time zone, or `undefined`: it parses, and it falls due some day. */
export function validateCron(expression: string, timeZone: string): string | undefined {
  const { valid, errors } = validateDetailed(expression);
  if (!valid) return errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
  try {
    createTask(expression, () => undefined, { timezone: timeZone }).getNextRuns(1);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
