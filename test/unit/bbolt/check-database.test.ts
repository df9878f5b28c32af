import { describe, expect, test } from 'vitest';
import { checkDatabase } from '../../../src/bbolt/check-database.ts';
import { openPageFile } from '../../../src/bbolt/page-file.ts';
import { bucketAt, DatabaseImage, inlineBucket } from './database-image.ts';
import { freshPaths } from './fresh-path.ts';

const freshPath = freshPaths();

interface Seen {
  readonly findings: string[];
  readonly keys: Record<string, string[]>;
  readonly pagesInUse: number;
}

async function check(image: DatabaseImage): Promise<Seen> {
  using file = openPageFile(await image.writeTo(freshPath()));
  const keys: Record<string, string[]> = {};
  const { findings, pagesInUse } = checkDatabase(file, () => ({
    onBucket: (bucket) => {
      keys[bucket.join('/')] = [];
    },
    onLeaf: (bucket, leaf) => {
      const names = Array.from({ length: leaf.count }, (_, index) => leaf.key(index).toString());
      keys[bucket.join('/')] = [...(keys[bucket.join('/')] ?? []), ...names];
    },
  }));
  return { findings: findings.first.map(({ kind, page }) => `${kind} ${page}`), keys, pagesInUse };
}

/** Root page 2 names two buckets: one with a branch and two leaves, and one inline. */
function soundImage(pages: number, pageSizeBytes = 4096): DatabaseImage {
  return new DatabaseImage(pages, pageSizeBytes)
    .leaf(2, [
      ['small', inlineBucket([['x', '9']]), 'bucket'],
      ['tree', bucketAt(3), 'bucket'],
    ])
    .branch(3, [
      ['b', 4],
      ['m', 5],
    ])
    .leaf(4, [
      ['b', '1'],
      ['c', '2'],
    ])
    .leaf(5, [
      ['m', '3'],
      ['z', '4'],
    ]);
}

describe('a sound database', () => {
  test.each([4096, 8192, 16384, 32768, 65536])(
    'with pages of %i bytes has no findings, and is seen whole',
    async (pageSizeBytes) => {
      expect(await check(soundImage(6, pageSizeBytes))).toEqual({
        findings: [],
        keys: { '': ['small', 'tree'], small: ['x'], tree: ['b', 'c', 'm', 'z'] },
        pagesInUse: 6,
      });
    },
  );

  test('may have free pages that no list names', async () => {
    expect(await check(soundImage(9))).toMatchObject({ findings: [], pagesInUse: 6 });
  });

  test('may have values that continue over several pages, in between of others', async () => {
    const image = soundImage(10)
      .branch(3, [
        ['b', 4],
        ['k', 6],
        ['m', 5],
      ])
      .leaf(6, [['k', 'v'.repeat(12_000)]], 2);

    expect(await check(image)).toMatchObject({
      findings: [],
      pagesInUse: 9,
      keys: { tree: ['b', 'c', 'k', 'm', 'z'] },
    });
  });

  test('may keep the list of its free pages', async () => {
    expect(await check(soundImage(9).freelist(6, [7, 8]))).toMatchObject({ findings: [], pagesInUse: 7 });
    expect(await check(soundImage(9).freelist(6, [7, 8], { isCountFirst: true }))).toMatchObject({
      findings: [],
    });
  });
});

describe('all that is wrong is told', () => {
  test.each<[string, DatabaseImage, string[]]>([
    [
      'a page that is in use and said to be free',
      soundImage(9).freelist(6, [5, 7, 8]),
      ['reachable-freed 5'],
    ],
    [
      'a page that is neither in use nor said to be free',
      soundImage(9).freelist(6, [8]),
      ['unreachable-unfreed 7'],
    ],
    ['a page that is said to be free twice', soundImage(9).freelist(6, [7, 7, 8]), ['already-freed 7']],
    ['a free page beyond the end', soundImage(9).freelist(6, [7, 8, 9]), ['out-of-bounds 9']],
    [
      'a list of free pages that a tree uses',
      soundImage(6).freelist(5, []),
      ['multiple-references 5', 'wrong-type 5'],
    ],
    [
      'several things at once, in different trees',
      soundImage(8)
        .leaf(4, [
          ['c', '1'],
          ['b', '2'],
        ])
        .leaf(5, [
          ['a', '3'],
          ['z', '4'],
        ]),
      ['key-order 4', 'key-order 5'],
    ],
    [
      'a leaf that goes beyond the next key of the branch above',
      soundImage(6).leaf(4, [
        ['b', ''],
        ['n', ''],
      ]),
      ['key-order 4'],
    ],
    [
      'a leaf that two branches name',
      soundImage(6).branch(3, [
        ['b', 4],
        ['m', 4],
      ]),
      ['multiple-references 4'],
    ],
    ['a branch that is its own child', soundImage(6).branch(3, [['b', 3]]), ['multiple-references 3']],
    [
      'a value that lies over another page',
      soundImage(6).leaf(4, [['b', 'v'.repeat(5000)]], 1),
      ['multiple-references 5'],
    ],
    [
      'a page that is no branch and no leaf',
      soundImage(7).branch(3, [
        ['b', 4],
        ['m', 6],
      ]),
      ['page-id 6'],
    ],
    ['a bucket beyond the end', soundImage(6).leaf(2, [['tree', bucketAt(60), 'bucket']]), ['bucket 2']],
    [
      'an inline bucket without order',
      new DatabaseImage(3).leaf(2, [
        [
          'small',
          inlineBucket([
            ['x', ''],
            ['a', ''],
          ]),
          'bucket',
        ],
      ]),
      ['key-order 2'],
    ],
    [
      'an inline bucket that is cut off',
      new DatabaseImage(3).leaf(2, [['small', Buffer.alloc(20), 'bucket']]),
      ['element 2'],
    ],
  ])('%s', async (_, image, findings) => {
    expect((await check(image)).findings).toEqual(expect.arrayContaining(findings));
  });

  test('and the rest is still seen', async () => {
    const image = soundImage(6).leaf(4, [
      ['c', ''],
      ['b', ''],
    ]);

    expect(await check(image)).toMatchObject({
      findings: ['key-order 4'],
      keys: { small: ['x'], tree: ['m', 'z'] },
    });
  });

  test('a thousand findings are kept, and all are counted', async () => {
    const image = soundImage(3000).freelist(6, []);
    using file = openPageFile(await image.writeTo(freshPath()));

    const { findings } = checkDatabase(file);

    expect([findings.first.length, findings.count]).toEqual([1000, 3000 - 7]);
  });
});
