import { z } from 'zod';

/** `PREFIX/lib/etcd-lifeboat/installed.json`: what `lifeboat install` wrote, so that `uninstall` removes that and nothing else. */
export const installedRecord = z.strictObject({
  version: z.literal(1),
  release: z.string().max(64),
  prefix: z.string().startsWith('/'),
  unit: z.string().max(256),
  user: z.string().max(64),
  /** Absolute paths, also those that were about to be written when an installation was cut off. */
  files: z.array(z.string().startsWith('/')).max(10_000),
});
export type InstalledRecord = z.infer<typeof installedRecord>;
