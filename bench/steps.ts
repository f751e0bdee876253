import type { BackendSet, Fence } from '../src/backends/interfaces.ts';
import { type MachineSnapshot, stepKey } from '../src/machine/snapshot.ts';

/** About 1 KB of state. */
export const CONTEXT = { text: 'x'.repeat(1000), n: 0 };

const INPUT = { task: 'bench' };

/** A step of an execution, as the engine commits it. */
export function snapshotOf(id: string, step: number): MachineSnapshot {
  return {
    execution_id: id,
    machine_name: 'bench',
    spec_version: '1.0.0',
    current_state: 'loop',
    context: { ...CONTEXT, n: step },
    step,
    created_at: new Date().toISOString(),
    total_api_calls: 0,
    total_cost: 0,
    status: 'running',
    next_state: 'loop',
    work_step: step + 1,
    input: INPUT,
    config_hash: 'c0ffee'.repeat(10),
    epoch: 1,
  };
}

/** What of a step is written each time, the rest being stored once: for the raw limits. */
export function changingPart(step: number): string {
  const { input: _, execution_id: __, ...rest } = snapshotOf('raw', step);
  return JSON.stringify(rest);
}

/** Takes the lease of an execution. */
export async function fenceOf(set: BackendSet, id: string): Promise<Fence> {
  await set.locking.acquire(id);
  return set.locking.lease(id) as Fence;
}

/** Commits the steps of one execution, one after the other, under its lease. */
export async function saveSteps(set: BackendSet, fence: Fence, steps: number, keep?: number): Promise<void> {
  const options = keep === undefined ? { fence } : { fence, keep };
  for (let step = 0; step < steps; step++) {
    await set.persistence.save(stepKey(fence.key, step), snapshotOf(fence.key, step), options);
  }
}
