import { fail, ok, warn, worstOf, type Check, type CheckId } from './check.ts';

/** What a certificate, its key and its CA say; `problem` where a file cannot be read or is no such thing. */
export interface CertificateFacts {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly problems: readonly string[];
  readonly validFromMs?: number;
  readonly validToMs?: number;
  /** The latest end among the CAs that the certificate leads to. */
  readonly caValidToMs?: number;
  readonly keyFits?: boolean;
  /** Mode bits of the key file. */
  readonly keyMode?: number;
  readonly names?: string;
  /** Whether it carries the name that it must. */
  readonly isNamed?: boolean;
  /** The OIDs of its extended key usage; absent where it has none, and so is good for all. */
  readonly uses?: readonly string[];
  /** Whether it leads to a CA of the CA file. */
  readonly chains?: boolean;
}

interface Demands {
  readonly id: CheckId;
  /** The DNS name that the certificate must carry, if any. */
  readonly name?: string;
  readonly uses: readonly ('server' | 'client')[];
  /** Whether our own CA file must have signed it. */
  readonly chain: boolean;
  readonly nowMs: number;
}

const SOON_MS = 30 * 86_400_000;
const OIDS = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;
const RENEW = 'Renew it, and put the new file in its place: the agent reads it without a restart.';

/** Whether a certificate is good for what it is there for. */
export function judgeCertificate(facts: CertificateFacts, demands: Demands): Check {
  const { id } = demands;
  if (facts.problems.length > 0) {
    return fail(
      id,
      facts.problems.join('; '),
      'Put the certificates there, readable for the agent: docs/operations.md shows how to make them.',
    );
  }
  return worstOf(id, [
    ...identityFindings(facts, demands),
    ...useFindings(facts, demands),
    ...timeFindings(facts, demands),
  ]);
}

function identityFindings(facts: CertificateFacts, { id, name, chain }: Demands): Check[] {
  const findings: Check[] = [];
  const { certFile, keyFile, caFile } = facts;
  if (facts.keyFits === false) {
    findings.push(
      fail(id, `${keyFile} is not the key of ${certFile}`, 'Install the pair that was made together.'),
    );
  }
  if (name !== undefined && facts.isNamed !== true) {
    const found = `${certFile} is not for ${name}: its alternative names are ${facts.names ?? 'none'}`;
    findings.push(
      fail(id, found, `Make one with \`subjectAltName=DNS:${name}\`, or correct \`agent.name\`.`),
    );
  }
  if (chain && facts.chains === false) {
    const found = `${certFile} was not signed by a CA in ${caFile}`;
    findings.push(
      fail(
        id,
        found,
        `\`openssl verify -CAfile ${caFile} ${certFile}\` says more. All agents need the same CA.`,
      ),
    );
  }
  return [...findings, ...keyModeFindings(facts, id)];
}

/** A group for the key is a common way of giving it to the agent. */
function keyModeFindings({ keyFile, keyMode = 0 }: CertificateFacts, id: CheckId): Check[] {
  if ((keyMode & 0o007) === 0) return [];
  const mode = (keyMode & 0o777).toString(8).padStart(4, '0');
  return [
    warn(
      id,
      `${keyFile} has mode ${mode}: everybody on this host may use the key`,
      `\`chmod 600 ${keyFile}\``,
    ),
  ];
}

function useFindings({ uses, certFile }: CertificateFacts, demands: Demands): Check[] {
  if (uses === undefined) return [];
  const lacking = demands.uses.filter((use) => !uses.includes(OIDS[use]));
  if (lacking.length === 0) return [];
  const found = `${certFile} is not for ${lacking.map((use) => `${use}s`).join(' and ')}`;
  const wanted = demands.uses.map((use) => `${use}Auth`).join(',');
  return [fail(demands.id, found, `Make one with \`extendedKeyUsage=${wanted}\`.`)];
}

function timeFindings(facts: CertificateFacts, { id, nowMs }: Demands): Check[] {
  const { certFile, caFile, validFromMs = nowMs, validToMs = nowMs, caValidToMs } = facts;
  const findings = [endFinding(id, certFile, validToMs, nowMs)];
  if (validFromMs > nowMs) {
    const found = `${certFile} is valid only from ${day(validFromMs)} on`;
    findings.push(fail(id, found, "Is this host's clock right? `timedatectl`"));
  }
  if (caValidToMs !== undefined) findings.push(endFinding(id, caFile, caValidToMs, nowMs));
  return findings;
}

function endFinding(id: CheckId, file: string, endMs: number, nowMs: number): Check {
  const days = Math.floor((endMs - nowMs) / 86_400_000);
  if (endMs <= nowMs) return fail(id, `${file} expired on ${day(endMs)}`, RENEW);
  const found = `${file} is valid until ${day(endMs)}, ${days === 1 ? '1 day' : `${days} days`}`;
  return endMs - nowMs < SOON_MS ? warn(id, found, RENEW) : ok(id, found);
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
