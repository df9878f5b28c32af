import { expect, test } from 'vitest';
import { staleGeneratedFiles } from '../../support/generate-proto.ts';

test('the generated code is what proto/ says', async () => {
  expect(await staleGeneratedFiles()).toEqual([]);
});
