import { rm, stat } from 'node:fs/promises';
import { AgentError } from '../base/agent-error.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import type { Clock } from '../base/clock.ts';
import type { OnBytes } from '../base/hash-file.ts';
import {
  GRADES,
  type Grade,
  type SnapshotManifest,
  type SnapshotProof,
} from '../formats/snapshot-manifest.ts';
import type { DamagedEntry, Storage, StorageDraft } from '../storage/storage.ts';
import { exportFile } from './export-file.ts';
import { isProved, withProof } from './grade.ts';
import { importFile } from './import-file.ts';
import { Leases } from './leases.ts';
import { compareNewest } from './newest-first.ts';
import type { Prover } from './prover.ts';
import { chooseExpired } from './retention.ts';
import { verifyFile, verifyKeyspace } from './verify-file.ts';

export interface CatalogSettings {
  /** This agent's name: it goes into the IDs of what is imported. */
  readonly agent: string;
  readonly clock: Clock;
  readonly prover: Prover;
  /** Called once a snapshot that was stored is `failed`. */
  readonly onFailedProof?: (id: string, problem: string) => void;
}

export interface CatalogSummary {
  /** Those whose manifest can be read. */
  readonly count: number;
  readonly totalBytes: number;
  readonly grades: Readonly<Record<Grade | 'unreadable', number>>;
  readonly newestProved: SnapshotManifest | undefined;
  readonly newestBooted: SnapshotManifest | undefined;
}

/** All snapshots that one storage holds, and the only one who changes what is said of them. */
export function openCatalog(storage: Storage, settings: CatalogSettings): Catalog {
  return new Catalog(storage, settings);
}

export class Catalog {
  readonly #storage: Storage;
  readonly #settings: CatalogSettings;
  readonly #leases = new Leases();
  /** Changes of manifests: each reads what the one before it wrote. */
  readonly #amending = new OneAtATime();
  #failedProofs = 0;

  constructor(storage: Storage, settings: CatalogSettings) {
    this.#storage = storage;
    this.#settings = settings;
  }

  /** The directory that the files are in: what free space is measured of. */
  get directory(): string {
    return this.#storage.directory;
  }

  /** How many proofs of stored files failed since this was opened. */
  get failedProofs(): number {
    return this.#failedProofs;
  }

  /** Newest first, by the time taken, then by revision; of every grade, `failed` too. */
  async list(): Promise<SnapshotManifest[]> {
    return (await this.#entries()).sound;
  }

  /** Those whose manifest cannot be read: never offered, and to be shown. `remove` takes them. */
  async damaged(): Promise<DamagedEntry[]> {
    return (await this.#entries()).damaged;
  }

  /** Everything stored, of one look at the storage. */
  async summary(): Promise<CatalogSummary> {
    const { sound, damaged } = await this.#entries();
    const grades = Object.fromEntries(
      GRADES.map((grade) => [grade, sound.filter((manifest) => manifest.grade === grade).length]),
    ) as Record<Grade, number>;
    return {
      count: sound.length,
      totalBytes: sound.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      grades: { ...grades, unreadable: damaged.length },
      newestProved: sound.find(isProved),
      newestBooted: sound.find(({ grade }) => grade === 'booted'),
    };
  }

  /** The newest proved one, if any. */
  async newestProved(): Promise<SnapshotManifest | undefined> {
    return (await this.list()).find(isProved);
  }

  /**
   * @param which - An ID, or `latest` for the newest proved one.
   * @throws {AgentError} `SNAPSHOT_UNKNOWN`; `STATE_DAMAGED` when its manifest cannot be read.
   */
  async get(which: string): Promise<SnapshotManifest> {
    if (which === 'latest') return await this.#latest();
    const entry = await this.#storage.read(which);
    if (entry === undefined) throw unknown(which);
    if (entry.state === 'sound') return entry.manifest;
    throw new AgentError('STATE_DAMAGED', `the manifest of ${which}: ${entry.problem}`, {
      details: { id: which },
    });
  }

  /** Path of the file, for readers only. Hold it by `use` while it is read. */
  pathOf(id: string): string {
    return this.#storage.pathOf(id);
  }

  /** Where a download of `id` from a peer collects its bytes, to be resumed after a restart. Then `adoptFile`. */
  incomingPath(id: string): string {
    return this.#storage.incomingPath(id);
  }

  /** Keeps `id` from being removed until disposed of. @throws {AgentError} `SNAPSHOT_UNKNOWN` while it is removed. */
  use(id: string): Disposable {
    return this.#leases.take(id);
  }

  /** Room for a snapshot that is being taken; see `StorageDraft`. */
  async begin(): Promise<StorageDraft> {
    return await this.#storage.begin();
  }

  /**
   * Reads the whole file again: size, SHA-256, trailer, structure, and what etcd wrote into it. What does not fit is `failed` durably,
   * before this throws; what cannot be read to its end keeps its grade.
   *
   * @returns The manifest with the new proof. A `failed` one stays failed: see `withProof`.
   * @throws {AgentError} `SNAPSHOT_HASH_MISMATCH`, `SNAPSHOT_DAMAGED`, and as `get` does.
   */
  async verify(id: string, signal: AbortSignal, onBytes?: OnBytes): Promise<SnapshotManifest> {
    const manifest = await this.get(id);
    const path = this.pathOf(manifest.id);
    const options = { signal, ...(onBytes === undefined ? {} : { onBytes }) };
    const verdict = await this.#whileReading(manifest.id, () =>
      verifyFile(this.#settings.prover, path, manifest, options),
    );
    if ('refusal' in verdict) throw await this.markFailed(manifest.id, verdict.refusal);
    return await this.recordProof(
      manifest.id,
      manifest.hasTrailer
        ? { grade: 'hashed', by: 'file hashed again, trailer compared, structure walked' }
        : { grade: 'raw', by: 'file hashed again, structure walked' },
    );
  }

  /** Adds a proof that was just made to the manifest, durably. @throws {AgentError} as `get` does. */
  async recordProof(id: string, proof: Omit<SnapshotProof, 'at'>): Promise<SnapshotManifest> {
    const at = new Date(this.#settings.clock.now()).toISOString();
    return await this.#amending.run(async () => {
      const proved = withProof(await this.get(id), { ...proof, at });
      await this.#storage.replaceManifest(proved);
      return proved;
    });
  }

  /** Copies a file of this host into the catalog: see `importFile` for what is proved and thrown. */
  async importFile(
    path: string,
    options: { readonly reason?: string; readonly onBytes?: OnBytes },
    signal: AbortSignal,
  ): Promise<SnapshotManifest> {
    return await importFile({ storage: this.#storage, ...this.#settings }, { path, signal, ...options });
  }

  /**
   * Writes a copy for people and other tools, whole and durable.
   *
   * @param toPath - Absolute; must not exist.
   * @throws {AgentError} `EXPORT_TARGET_EXISTS`, `EXPORT_TARGET_UNWRITABLE`, `NO_SPACE`; `SNAPSHOT_HASH_MISMATCH`, and the stored one is `failed`.
   */
  async exportFile(id: string, toPath: string, signal: AbortSignal, onBytes?: OnBytes): Promise<void> {
    const manifest = await this.get(id);
    const request = {
      from: this.pathOf(manifest.id),
      to: toPath,
      sizeBytes: manifest.sizeBytes,
      signal,
      ...(onBytes === undefined ? {} : { onBytes }),
    };
    await this.#whileReading(manifest.id, () =>
      exportFile(request, async ({ sha256 }) => {
        if (sha256 === manifest.sha256) return;
        const problem = `SHA-256 is ${sha256}, the manifest says ${manifest.sha256}`;
        throw await this.markFailed(manifest.id, new AgentError('SNAPSHOT_HASH_MISMATCH', problem));
      }),
    );
  }

  /**
   * Takes in a file that came from a peer, under the ID it has there. The caller compared its SHA-256; its structure is proved here,
   * and what is in it must be what the peer said. An equal one that is here already stays; one that is here and `failed` is replaced.
   *
   * @param path - On the file system of the storage (see `incomingPath`); gone from there afterwards, also when its proof failed.
   * @throws {AgentError} `SNAPSHOT_DAMAGED` for a `failed` manifest or structure, `STORAGE_CORRUPTED` for a wrong size, `STORAGE_TAKEN`.
   */
  async adoptFile(manifest: SnapshotManifest, path: string, signal: AbortSignal): Promise<SnapshotManifest> {
    const { id, grade, sizeBytes } = manifest;
    if (grade === 'failed') throw new AgentError('SNAPSHOT_DAMAGED', `the peer's proof of ${id} failed`);
    const { size } = await stat(path);
    if (size !== sizeBytes) {
      throw new AgentError('STORAGE_CORRUPTED', `${path} has ${size} bytes, ${sizeBytes} were announced`);
    }
    const stored = await this.#storage.read(id);
    if (stored?.state === 'sound' && stored.manifest.grade !== 'failed') {
      if (stored.manifest.sha256 !== manifest.sha256) throw taken(manifest, stored.manifest);
      await rm(path);
      return stored.manifest;
    }
    const proved = await this.#proveArrived(manifest, path, signal);
    if (stored !== undefined) await this.#leases.whileUnused(id, () => this.#storage.remove(id));
    return await this.#publishMoved(proved, path);
  }

  /**
   * @param options - `force` also removes the newest proved one; nothing removes one in use.
   * @throws {AgentError} `SNAPSHOT_UNKNOWN`, `SNAPSHOT_LAST_PROVED`, `SNAPSHOT_IN_USE`.
   */
  async remove(id: string, options: { readonly force: boolean }): Promise<void> {
    if ((await this.#storage.read(id)) === undefined) throw unknown(id);
    if (!options.force && (await this.newestProved())?.id === id) {
      throw new AgentError('SNAPSHOT_LAST_PROVED', `${id} is the newest proved snapshot of this host`);
    }
    await this.#leases.whileUnused(id, () => this.#storage.remove(id));
  }

  /**
   * Removes what `chooseExpired` chooses; what is in use waits for the next time.
   *
   * @returns The IDs that went.
   */
  async removeExpired(rule: { readonly keep: number; readonly justTaken?: string }): Promise<string[]> {
    const protect = new Set(this.#leases.held());
    if (rule.justTaken !== undefined) protect.add(rule.justTaken);
    const expired = chooseExpired(await this.list(), { keep: rule.keep, protect });
    const removed: string[] = [];
    for (const id of expired) {
      if (this.#leases.held().has(id)) continue;
      await this.#leases.whileUnused(id, () => this.#storage.remove(id));
      removed.push(id);
    }
    return removed;
  }

  async #entries(): Promise<{ sound: SnapshotManifest[]; damaged: DamagedEntry[] }> {
    const entries = await this.#storage.list();
    const sound = entries.filter((entry) => entry.state === 'sound').map(({ manifest }) => manifest);
    const damaged = entries.filter((entry) => entry.state === 'damaged');
    return { sound: sound.sort(compareNewest), damaged };
  }

  async #latest(): Promise<SnapshotManifest> {
    const all = await this.list();
    const newest = all.find(isProved);
    if (newest !== undefined) return newest;
    throw new AgentError('SNAPSHOT_UNKNOWN', `this host holds ${all.length} snapshot(s), and none is proved`);
  }

  /**
   * A stored snapshot turned out wrong: it is `failed` durably, and never offered again.
   *
   * @param extent - `ofContent` where its bytes are what they should be, so that every copy is as wrong.
   * @returns What to throw.
   */
  async markFailed(
    id: string,
    refusal: AgentError,
    extent: Pick<SnapshotProof, 'ofContent'> = {},
  ): Promise<AgentError> {
    const { code, message, details } = refusal;
    this.#failedProofs += 1;
    await this.recordProof(id, { grade: 'failed', by: message, ...extent });
    this.#settings.onFailedProof?.(id, message);
    return new AgentError(code, `${id}: ${message}`, { cause: refusal, details: { ...details, id } });
  }

  async #proveArrived(
    manifest: SnapshotManifest,
    path: string,
    signal: AbortSignal,
  ): Promise<SnapshotManifest> {
    const { clock, prover } = this.#settings;
    const verdict = await verifyKeyspace(prover, path, manifest, { signal });
    if ('refusal' in verdict) {
      const { code, message, details } = verdict.refusal;
      // The next download would go on where this one ended.
      await rm(path);
      throw new AgentError(code, `${manifest.id} as it arrived: ${message}`, { details });
    }
    return withProof(manifest, {
      grade: manifest.hasTrailer ? 'hashed' : 'raw',
      at: new Date(clock.now()).toISOString(),
      by: 'SHA-256 compared and structure walked on arrival',
    });
  }

  async #publishMoved(manifest: SnapshotManifest, path: string): Promise<SnapshotManifest> {
    const draft = await this.#storage.begin();
    try {
      await draft.take(path);
      await draft.publish(manifest);
      return manifest;
    } catch (error) {
      await draft.discard();
      throw error;
    }
  }

  async #whileReading<T>(id: string, read: () => Promise<T>): Promise<T> {
    const lease = this.use(id);
    try {
      return await read();
    } finally {
      lease[Symbol.dispose]();
    }
  }
}

function unknown(id: string): AgentError {
  return new AgentError(
    'SNAPSHOT_UNKNOWN',
    `this host holds no snapshot ${JSON.stringify(id.slice(0, 150))}`,
  );
}

function taken(arrived: SnapshotManifest, stored: SnapshotManifest): AgentError {
  return new AgentError(
    'STORAGE_TAKEN',
    `${arrived.id} is stored with SHA-256 ${stored.sha256}, and came with ${arrived.sha256}`,
  );
}
