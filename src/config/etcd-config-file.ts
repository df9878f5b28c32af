import { AgentError } from '../base/agent-error.ts';
import { readYaml } from './yaml-text.ts';

/**
 * The content of etcd's own `--config-file`.
 *
 * @throws {AgentError} `FILE_UNREADABLE` when it is not YAML, with the places.
 */
export function parseEtcdConfigFile(text: string, path: string): unknown {
  const { value, syntaxProblems } = readYaml(text);
  if (syntaxProblems.length === 0) return value;
  const problems = syntaxProblems.map(({ line, col, message }) => `${path}:${line}:${col} ${message}`);
  throw new AgentError('FILE_UNREADABLE', `etcd's configuration file: ${problems.join('\n')}`);
}
