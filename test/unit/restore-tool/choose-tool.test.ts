import { describe, expect, test } from 'vitest';
import { chooseRestoreTool } from '../../../src/restore-tool/choose-tool.ts';
import { toolEnvironment, type RestoreTool } from '../../../src/restore-tool/restore-tool.ts';

function etcdctl(version: string, path = `/bin/etcdctl-${version}`): RestoreTool {
  const canRestore = !version.startsWith('3.6') && !version.startsWith('3.7');
  return { ...tool('etcdctl', version, path), canRestore };
}

function etcdutl(version: string, path = `/bin/etcdutl-${version}`): RestoreTool {
  return tool('etcdutl', version, path);
}

function tool(kind: RestoreTool['kind'], version: string, path: string): RestoreTool {
  const abilities = { canRestore: true, canSkipHashCheck: true, canSetWalDir: true, canBumpRevision: false };
  return { path, kind, version, ...abilities };
}

function chosen(tools: RestoreTool[], etcdVersion: string | undefined): string {
  const { kind, version } = chooseRestoreTool(tools, etcdVersion);
  return `${kind} ${version}`;
}

describe('the tool that is chosen', () => {
  test('is of the same minor as etcd, however new the others are', () => {
    const tools = [etcdutl('3.7.1'), etcdutl('3.6.14'), etcdutl('3.5.21'), etcdctl('3.4.23')];

    expect(['3.7.0', '3.6.0', '3.5.9', '3.4.30'].map((version) => chosen(tools, version))).toEqual([
      'etcdutl 3.7.1',
      'etcdutl 3.6.14',
      'etcdutl 3.5.21',
      'etcdctl 3.4.23',
    ]);
  });

  test('is the nearest minor when none is the same, and the newer of two as near', () => {
    expect(chosen([etcdutl('3.5.21'), etcdutl('3.6.14')], '3.8.0')).toBe('etcdutl 3.6.14');
    expect(chosen([etcdctl('3.4.23'), etcdutl('3.6.14')], '3.5.21')).toBe('etcdutl 3.6.14');
    expect(chosen([etcdutl('3.6.14')], '3.4.23')).toBe('etcdutl 3.6.14');
  });

  test('is the newest patch, and etcdutl when both are as new', () => {
    expect(chosen([etcdutl('3.5.3'), etcdctl('3.5.21'), etcdutl('3.5.9')], '3.5.4')).toBe('etcdctl 3.5.21');
    expect(chosen([etcdctl('3.5.21'), etcdutl('3.5.21')], '3.5.4')).toBe('etcdutl 3.5.21');
  });

  test('is the first in the PATH among equals', () => {
    const tools = [etcdutl('3.6.14', '/opt/first'), etcdutl('3.6.14', '/opt/second')];

    expect(chooseRestoreTool(tools, '3.6.14').path).toBe('/opt/first');
  });

  test('is the newest while nobody knows which etcd will run', () => {
    expect(chosen([etcdctl('3.4.23'), etcdutl('3.6.2'), etcdutl('3.5.21')], undefined)).toBe('etcdutl 3.6.2');
  });

  test('may be a release candidate', () => {
    expect(chosen([etcdutl('3.7.0-rc.1')], '3.7.0-rc.1')).toBe('etcdutl 3.7.0-rc.1');
  });
});

describe('no tool is chosen', () => {
  test('when a 3.4 tool would make the data dir of etcd 3.6 or newer', () => {
    for (const version of ['3.6.0', '3.6.14', '3.7.0', '3.10.0']) {
      expect(() => chooseRestoreTool([etcdctl('3.4.23')], version)).toThrow(
        expect.objectContaining({
          code: 'RESTORE_TOOL_UNFIT',
          message: `no tool here fits etcd ${version}: etcdctl 3.4.23 (/bin/etcdctl-3.4.23)`,
        }),
      );
    }
  });

  test('when the only etcdctl is one that lost the command, and the message says so', () => {
    expect(() => chooseRestoreTool([etcdctl('3.6.14')], '3.6.14')).toThrow(
      expect.objectContaining({
        code: 'RESTORE_TOOL_MISSING',
        message: expect.stringContaining(
          'etcdctl 3.6.14 (/bin/etcdctl-3.6.14: has no `snapshot restore`)',
        ) as string,
      }),
    );
  });

  test('when there is none, or one that cannot be run', () => {
    const broken = { ...etcdutl('unknown', '/bin/etcdutl'), canRestore: false, problem: 'exec format error' };

    expect(() => chooseRestoreTool([], '3.5.0')).toThrow(
      expect.objectContaining({ code: 'RESTORE_TOOL_MISSING' }),
    );
    expect(() => chooseRestoreTool([broken], '3.5.0')).toThrow(/exec format error/);
  });

  test('for another major, or for a version that is none', () => {
    for (const version of ['4.0.0', 'latest', '']) {
      expect(() => chooseRestoreTool([etcdutl('3.6.14')], version)).toThrow(
        expect.objectContaining({ code: 'RESTORE_TOOL_UNFIT' }),
      );
    }
  });
});

test('old etcdctl is told to speak version 3, and the tools that would warn about it are not', () => {
  expect(toolEnvironment(etcdctl('3.4.23'))).toEqual({ ETCDCTL_API: '3' });
  expect(toolEnvironment(etcdctl('3.6.14'))).toEqual({ ETCDCTL_API: undefined });
  expect(toolEnvironment(etcdutl('3.5.21'))).toEqual({ ETCDCTL_API: undefined });
});
