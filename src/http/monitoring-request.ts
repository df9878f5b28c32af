import type { IncomingMessage } from 'node:http';
import { asAgentError } from '../base/agent-error.ts';
import type { Check } from '../formats/control.ts';
import type { Log } from '../observe/log.ts';
import { plainText, reportChecks, type Answer } from './check-report.ts';

/** What is behind the listener. Each call is bounded in time by whoever made it. */
export interface MonitoringView {
  /** Is the agent itself alive? */
  health(): Promise<readonly Check[]>;
  /** Could a restore be run from here? */
  readiness(): Promise<readonly Check[]>;
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}

type Route = (view: MonitoringView, form: ProbeForm) => Promise<Answer>;

interface ProbeForm {
  readonly verbose: boolean;
  readonly json: boolean;
}

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    '/metrics',
    async (view) => {
      const { contentType, text } = await view.metrics();
      return { status: 200, contentType, body: text };
    },
  ],
  ['/healthz', async (view, form) => reportChecks('healthz', await view.health(), form)],
  ['/readyz', async (view, form) => reportChecks('readyz', await view.readiness(), form)],
]);

const METHODS = ['GET', 'HEAD'];

/** The answer to one request. What goes wrong behind it is a 503 that says so, and a line in the log. */
export async function answerMonitoring(
  request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  view: MonitoringView,
  log: Log,
): Promise<Answer> {
  const { method = '', headers, url = '' } = request;
  const { path, query } = partsOf(url);
  const route = ROUTES.get(path);
  if (route === undefined) return plainText(404, `there are only ${[...ROUTES.keys()].join(', ')} here`);
  if (!METHODS.includes(method)) {
    return { ...plainText(405, 'there is nothing to write here'), headers: { allow: METHODS.join(', ') } };
  }
  if (hasBody(headers)) return plainText(413, 'a request has no body here');
  const json = query.get('format') === 'json' || headers.accept === 'application/json';
  try {
    return await route(view, { verbose: query.has('verbose'), json });
  } catch (error) {
    const { code, message } = asAgentError(error);
    log.warn({ err: error, path }, 'a request for monitoring could not be answered');
    return plainText(503, `${code}: ${message}`);
  }
}

/** By hand: `URL` would take `//host/metrics` for another host's, and throw at what a scanner sends. */
function partsOf(url: string): { path: string; query: URLSearchParams } {
  const [path = '', query = ''] = url.split('?', 2);
  return { path, query: new URLSearchParams(query) };
}

function hasBody(headers: IncomingMessage['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}
