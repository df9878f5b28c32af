import type { Check } from '../formats/control.ts';

export interface Answer {
  readonly status: 200 | 404 | 405 | 413 | 503;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What a probe is told, in the manner of Kubernetes: `ok`, or with `verbose` and after a failure a line for each check. As
 * JSON for those who ask for it.
 */
export function reportChecks(
  probe: 'healthz' | 'readyz',
  checks: readonly Check[],
  form: { readonly verbose: boolean; readonly json: boolean },
): Answer {
  const passed = checks.every((check) => check.passed);
  const status = passed ? 200 : 503;
  if (form.json) {
    return { status, contentType: 'application/json', body: `${JSON.stringify({ passed, checks })}\n` };
  }
  return plainText(status, passed && !form.verbose ? 'ok' : verbose(probe, passed, checks));
}

export function plainText(status: Answer['status'], text: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n` };
}

function verbose(probe: string, passed: boolean, checks: readonly Check[]): string {
  const lines = checks.map((check) => `${check.passed ? '[+]' : '[-]'}${check.check}: ${check.message}`);
  return [...lines, `${probe} check ${passed ? 'passed' : 'failed'}`].join('\n');
}
