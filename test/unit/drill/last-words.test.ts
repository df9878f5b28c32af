import { expect, test } from 'vitest';
import { lastWords } from '../../../src/drill/last-words.ts';

test('of a log in JSON the grave lines are told, in words', () => {
  const log = [
    '{"level":"info","ts":"2026-11-24T00:00:00Z","msg":"starting an etcd server"}',
    '{"level":"fatal","ts":"2026-11-24T00:00:01Z","msg":"invalid downgrade","error":"no","stacktrace":"main.main"}',
  ].join('\n');
  expect(lastWords(log)).toBe('invalid downgrade: no');
});

test('of a panic its reason is told, however much follows', () => {
  const stack = Array.from({ length: 30 }, (_, line) => `\t/go/src/file.go:${line}`);
  const log = ['2026-11-24 00:00:00.1 I | etcdmain: up', 'panic: index out of range [7]', ...stack].join(
    '\n',
  );
  expect(lastWords(log)).toBe('panic: index out of range [7]');
  expect(lastWords('2026-11-24 00:00:00.1 C | etcdmain: no such file')).toContain('no such file');
});

test('where nothing is grave, the last lines are told, and none for an empty log', () => {
  const lines = Array.from({ length: 20 }, (_, line) => `line ${line}`);
  expect(lastWords(lines.join('\n'))).toBe(lines.slice(-6).join('\n'));
  expect(lastWords('\n')).toBe('(it said nothing)');
  expect(lastWords(`panic: ${'x'.repeat(1000)}`).length).toBeLessThan(320);
});
