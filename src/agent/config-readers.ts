import { messageOf } from '../base/agent-error.ts';
import { parseEtcdConfigFile } from '../config/etcd-config-file.ts';
import { loadConfig } from '../config/load-config.ts';
import type { DoctorSubject } from '../doctor/subject.ts';
import { validateCron } from '../schedule/validate-cron.ts';

/** The files of ours and of etcd, for those who look at a host and may not read settings themselves. */
export function configReaders(configFile: string): Pick<DoctorSubject, 'configProblem' | 'parseYaml'> {
  return {
    configProblem: async () => {
      try {
        await loadConfig(configFile, { scheduleProblem: validateCron });
        return undefined;
      } catch (error) {
        return messageOf(error);
      }
    },
    parseYaml: parseEtcdConfigFile,
  };
}
