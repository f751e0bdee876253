import type { BackendSet } from '../backends/interfaces.ts';
import { FlatMachineError } from '../errors.ts';
import { type MachineSnapshot, stepKey } from '../machine/snapshot.ts';

/**
 * Stores an imported record, so that a resume goes on from it.
 * @throws FlatMachineError `execution-exists` when the store has this execution already, `locked`, `backend`
 */
export async function storeImported(backends: BackendSet, snapshot: MachineSnapshot): Promise<void> {
  const { locking, persistence } = backends;
  const id = snapshot.execution_id;
  if (!(await locking.acquire(id))) {
    throw new FlatMachineError('locked', `execution "${id}" is being run by another process`);
  }
  try {
    if ((await persistence.latest(id)) !== null) {
      throw new FlatMachineError('execution-exists', `execution "${id}" is in ${backends.url} already`, {
        remedy: `Go on with it: \`flatmachine resume ${id}\`, without --snapshots.`,
      });
    }
    const lease = locking.lease(id);
    const fence = lease === null ? {} : { fence: lease };
    await persistence.save(stepKey(id, snapshot.step), { ...snapshot, epoch: lease?.token ?? 0 }, fence);
  } finally {
    await locking.release(id);
  }
}
