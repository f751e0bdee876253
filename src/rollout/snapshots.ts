import type { BackendSet } from '../backends/interfaces.ts';
import type { SnapshotReference } from '../runners/interfaces.ts';
import type { OpenRunner } from './release.ts';

/** The snapshots that an execution's kept history speaks of. */
async function snapshotsOf({ persistence }: BackendSet, executionId: string): Promise<SnapshotReference[]> {
  const history = await persistence.history(executionId);
  return history.flatMap(({ events }) =>
    events.flatMap((event) => {
      if (event.type !== 'freeze') return [];
      const { reference, level, runner } = event;
      return [{ reference, level, runner }];
    }),
  );
}

/**
 * Removes every snapshot of an execution. Idempotent.
 * @throws whatever keeps one of them from being removed, e.g. `runner-unavailable`
 */
export async function removeSnapshots(
  backends: BackendSet,
  openRunner: OpenRunner,
  executionId: string,
): Promise<void> {
  for (const snapshot of await snapshotsOf(backends, executionId)) {
    const runner = await openRunner(snapshot.runner);
    await runner.removeSnapshot(snapshot);
  }
}
