import { expect, test } from 'vitest';
import { drillText } from '../../../src/cli/drill-text.ts';
import { plain } from '../../../src/cli/paint.ts';
import type { DrillResult } from '../../../src/formats/control.ts';
import { sampleManifest } from '../../support/control-samples.ts';

const result: DrillResult = {
  manifest: sampleManifest({ grade: 'booted' }),
  ...{ etcdVersion: '3.6.16', tool: 'etcdutl 3.6.16', readFrom: 'etcd', durationMs: 4200 },
  served: { revision: 1234, keyCount: 1200, hash: 99 },
};

test('a drill that passed says which snapshot, on which etcd, and what was compared', () => {
  expect(drillText(result, plain).join('\n')).toMatchInlineSnapshot(`
    "booted  20261123T143000Z-h1-r1234-abc123
      etcd      3.6.16, restored by etcdutl 3.6.16
      revision  1,234
      keys      1,200, as etcd answered
      hashkv    99
      size      25.0 MiB
      took      4.2 s"
  `);
});

test('where etcd showed its data to nobody, the text says that its file was read', () => {
  const text = drillText({ ...result, readFrom: 'file' }, plain).join('\n');
  expect(text).toContain('1,200, as etcd left it in its file: with authentication on');
});
