import type { CheckStatus, DoctorReport, HostReport } from '../formats/doctor-report.ts';
import type { Paint } from './paint.ts';
import { indent } from './table.ts';

const STYLES = { ok: 'green', warn: 'yellow', fail: 'red', skipped: 'dim' } as const;

/** Each host with its findings, then how many there are of each kind. */
export function doctorText(report: DoctorReport, paint: Paint): string[] {
  return report.hosts.flatMap((host, index) => [...(index === 0 ? [] : ['']), ...hostLines(host, paint)]);
}

function hostLines(host: HostReport, paint: Paint): string[] {
  const width = Math.max(...host.checks.map(({ id }) => id.length));
  return [
    headLine(host, paint),
    ...host.checks.flatMap(({ id, status, found, hint }) => {
      const [first = '', ...more] = found.split('\n');
      const label = `${paint(STYLES[status], status.padEnd('skipped'.length))}  ${id.padEnd(width)}  `;
      const blank = ' '.repeat('skipped'.length + width + 4);
      return [
        `${label}${first}`,
        ...indent(more, blank),
        ...(hint === undefined ? [] : [`${blank}→ ${hint}`]),
      ];
    }),
    sumLine(host),
  ];
}

function headLine({ agent, release, by, user }: HostReport, paint: Paint): string {
  const who = {
    agent: `looked at by its agent, as ${user}`,
    command: `looked at by this command, as ${user}`,
    nobody: 'not looked at',
  }[by];
  return `${paint('bold', agent)}  ${release === undefined ? '' : `release ${release}, `}${who}`;
}

function sumLine({ checks }: HostReport): string {
  const count = (wanted: CheckStatus): number => checks.filter(({ status }) => status === wanted).length;
  return `${count('ok')} ok, ${count('warn')} warn, ${count('fail')} fail, ${count('skipped')} skipped`;
}
