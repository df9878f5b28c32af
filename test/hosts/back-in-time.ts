import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import type { SnapshotManifest } from '../../src/formats/snapshot-manifest.ts';
import { removeSetAside } from './agent-on-host.ts';
import { contentsOf, etcdctl, planOn, type HostScene } from './host-scene.ts';

interface BackInTime {
  readonly plan: RestorePlan;
  readonly manifest: SnapshotManifest;
  /** What is restored, and what is there until then. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** A snapshot, then a key that it has not: a restore of the one undoes the other. */
export async function planBackInTime(scene: HostScene): Promise<BackInTime> {
  const [host1] = scene.hosts;
  await removeSetAside(scene);
  await etcdctl(host1, 'put', 'before', new Date().toISOString());
  const { manifest } = await host1.json<{ manifest: SnapshotManifest }>('snapshot', 'save');
  const before = await contentsOf(host1);
  await etcdctl(host1, 'put', 'after', new Date().toISOString());
  const after = await contentsOf(host1);
  const plan = await planOn(host1, '--discard-current', '--snapshot', manifest.id);
  return { plan, manifest, before, after };
}
