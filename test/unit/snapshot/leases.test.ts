import { expect, test } from 'vitest';
import { Leases } from '../../../src/snapshot/leases.ts';

test('a snapshot goes only after its last reader', async () => {
  const leases = new Leases();
  const removed: string[] = [];
  const remove = async (): Promise<void> => {
    await leases.whileUnused('a', () => Promise.resolve(void removed.push('a')));
  };
  const first = leases.take('a');
  const second = leases.take('a');

  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await expect(remove()).rejects.toMatchObject({ code: 'SNAPSHOT_IN_USE' });
  expect(leases.held()).toEqual(new Set(['a']));
  second[Symbol.dispose]();
  await remove();

  expect(removed).toEqual(['a']);
});

test('nobody begins to read what is being removed', async () => {
  const leases = new Leases();

  await leases.whileUnused('a', () => {
    expect(() => leases.take('a')).toThrow(/being removed/);
    return Promise.resolve();
  });

  leases.take('a')[Symbol.dispose]();
});
