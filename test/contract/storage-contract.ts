import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { SnapshotManifest } from '../../src/formats/snapshot-manifest.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { sampleManifest } from '../support/sample-manifest.ts';

/** What every `Storage` promises. `open` gives an empty one, gone with its scope. */
export function describeStorage(open: () => Promise<{ storage: Storage } & AsyncDisposable>): void {
  test('a draft is not listed before it is published, and is whole afterwards', async () => {
    await using place = await open();
    const { storage } = place;
    const manifest = sampleManifest();
    const draft = await storage.begin();
    await writeFile(draft.path, 'database');

    expect(await storage.list()).toEqual([]);
    await draft.publish(manifest);

    expect(await storage.list()).toEqual([{ state: 'sound', id: manifest.id, manifest }]);
    expect(await storage.read(manifest.id)).toEqual({ state: 'sound', id: manifest.id, manifest });
    expect(await readFile(storage.pathOf(manifest.id), 'utf8')).toBe('database');
  });

  test('a discarded draft leaves nothing, and discarding after publishing keeps the snapshot', async () => {
    await using place = await open();
    const { storage } = place;
    const dropped = await storage.begin();
    await writeFile(dropped.path, 'half');

    await dropped.discard();
    expect(await storage.list()).toEqual([]);
    await expect(readFile(dropped.path)).rejects.toThrow('ENOENT');

    const kept = await storage.begin();
    await writeFile(kept.path, 'whole');
    await kept.publish(sampleManifest());
    await kept.discard();
    expect(await storage.list()).toHaveLength(1);
  });

  test('two drafts at a time do not meet', async () => {
    await using place = await open();
    const { storage } = place;
    await Promise.all(
      ['1', '2', '3'].map((digit) => store(storage, sampleManifest({ id: idOf(digit) }), digit)),
    );

    expect((await storage.list()).map(({ id }) => id).sort()).toEqual(['1', '2', '3'].map(idOf));
    expect(await readFile(storage.pathOf(idOf('2')), 'utf8')).toBe('2');
  });

  test('a name that is taken is refused, and what is stored stays', async () => {
    await using place = await open();
    const { storage } = place;
    const manifest = sampleManifest();
    await store(storage, manifest, 'first');
    const second = await storage.begin();
    await writeFile(second.path, 'second');

    await expect(second.publish(manifest)).rejects.toMatchObject({ code: 'STORAGE_TAKEN' });
    await second.discard();

    expect(await readFile(storage.pathOf(manifest.id), 'utf8')).toBe('first');
    expect(await storage.list()).toHaveLength(1);
  });

  test('a finished download becomes a snapshot without being copied', async () => {
    await using place = await open();
    const { storage } = place;
    const manifest = sampleManifest();
    const arrived = storage.incomingPath(manifest.id);
    await writeFile(arrived, 'from a peer');
    expect(await storage.list()).toEqual([]);

    const draft = await storage.begin();
    await draft.take(arrived);
    await draft.publish(manifest);

    expect(await readFile(storage.pathOf(manifest.id), 'utf8')).toBe('from a peer');
    await expect(readFile(arrived)).rejects.toThrow('ENOENT');
  });

  test('a manifest is replaced as a whole, and only where there is one', async () => {
    await using place = await open();
    const { storage } = place;
    const manifest = sampleManifest();
    await expect(storage.replaceManifest(manifest)).rejects.toMatchObject({ code: 'STORAGE_ABSENT' });
    await store(storage, manifest, 'bytes');

    await storage.replaceManifest({ ...manifest, grade: 'booted' });

    expect(await storage.read(manifest.id)).toMatchObject({ manifest: { grade: 'booted' } });
  });

  test('what is removed is gone, and removing it again is no error', async () => {
    await using place = await open();
    const { storage } = place;
    const { id } = sampleManifest();
    await store(storage, sampleManifest(), 'bytes');

    await storage.remove(id);
    await storage.remove(id);

    expect(await storage.list()).toEqual([]);
    expect(await storage.read(id)).toBeUndefined();
    await expect(readFile(storage.pathOf(id))).rejects.toThrow('ENOENT');
  });

  test.each(['../outside', 'incoming', '', '.', 'x'.repeat(5000)])(
    '%.20j is never made a path',
    async (word) => {
      await using place = await open();
      const { storage } = place;

      expect(() => storage.pathOf(word)).toThrow(/no snapshot/);
      expect(() => storage.incomingPath(word)).toThrow(/no snapshot/);
      expect(await storage.read(word)).toBeUndefined();
    },
  );
}

async function store(storage: Storage, manifest: SnapshotManifest, content: string): Promise<void> {
  const draft = await storage.begin();
  await writeFile(draft.path, content);
  await draft.publish(manifest);
}

function idOf(digit: string): string {
  return `20261123T143000Z-host-a-r${digit}-00000${digit}`;
}
