import type { Clock } from '../base/clock.ts';
import type { Log } from '../observe/log.ts';
import type { MeshTls } from './mesh-options.ts';
import { slept } from './time-limit.ts';
import { readTlsMaterial, sameMaterial, type TlsMaterial } from './tls-material.ts';

interface FollowOptions {
  readonly files: MeshTls;
  readonly self: string;
  readonly clock: Clock;
  readonly log: Log | undefined;
  readonly signal: AbortSignal;
  onChange(material: TlsMaterial): void;
}

const LOOK_EVERY_MS = 60_000;

/**
 * Looks once a minute whether the certificate files were replaced, and hands on what is new. Files that do not fit one another
 * are a renewal half done, or a mistake: the listener goes on with what it has, and the log says so.
 */
export async function followCertificates(current: TlsMaterial, options: FollowOptions): Promise<void> {
  const { clock, files, log, self, signal } = options;
  let used = current;
  while (await slept(clock, LOOK_EVERY_MS, signal)) {
    try {
      const found = await readTlsMaterial(files, self);
      if (sameMaterial(found, used)) continue;
      options.onChange(found);
      used = found;
      log?.info({ certFile: files.certFile }, 'the mesh listener uses the new certificate');
    } catch (error) {
      log?.warn({ err: error }, 'the mesh certificate files are not usable; the listener keeps the old ones');
    }
  }
}
