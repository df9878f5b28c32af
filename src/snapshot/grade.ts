import type { Grade, SnapshotManifest, SnapshotProof } from '../formats/snapshot-manifest.ts';

const STRENGTH = { failed: 0, raw: 1, hashed: 2, booted: 3 } as const satisfies Record<Grade, number>;

/** True when a restore may use the file without the operator's word for it. */
export function isProved(manifest: Pick<SnapshotManifest, 'grade'>): boolean {
  return manifest.grade === 'hashed' || manifest.grade === 'booted';
}

/** Negative when `a` was proved more thoroughly than `b`: sorts the strongest first. */
export function compareGrade(a: Grade, b: Grade): number {
  return STRENGTH[b] - STRENGTH[a];
}

/**
 * The manifest after one more proof. A grade only falls to `failed`, and only a boot leads out of there: bytes that
 * hash right again say nothing about the boot that failed, or about the disk that gave wrong ones. Of each grade and
 * manner the newest proof is kept, so that nightly checks do not make the manifest grow.
 */
export function withProof(manifest: SnapshotManifest, proof: SnapshotProof): SnapshotManifest {
  const others = manifest.proofs.filter(
    (earlier) => earlier.grade !== proof.grade || earlier.by !== proof.by,
  );
  return { ...manifest, grade: gradeAfter(manifest.grade, proof.grade), proofs: [...others, proof] };
}

function gradeAfter(current: Grade, proved: Grade): Grade {
  if (proved === 'failed' || proved === 'booted') return proved;
  if (current === 'failed') return current;
  return compareGrade(proved, current) < 0 ? proved : current;
}
