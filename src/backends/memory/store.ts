import type { ExecutionEvent } from '../../events.ts';
import type { MachineSnapshot } from '../../machine/snapshot.ts';
import { staleFence } from '../failures.ts';
import type { Fence } from '../interfaces.ts';
import { createReadyListeners, type ReadyListeners } from '../ready-listeners.ts';

/** A stored step. */
export interface Step {
  snapshot: MachineSnapshot;
  events: readonly ExecutionEvent[];
}

/** What is kept of an execution. */
export interface Execution {
  /** In the order they were written, which is the order of the steps. */
  steps: Map<number, Step>;
  newest: Step;
  createdAt: string;
  cancelRequested: boolean;
}

/** What the roles of one memory store share. */
export interface MemoryStore {
  readonly executions: Map<string, Execution>;
  /** Newest token of each key that is held. */
  readonly leases: Map<string, number>;
  readonly readyListeners: ReadyListeners;
}

/** Makes an empty store. */
export function createMemoryStore(): MemoryStore {
  return { executions: new Map(), leases: new Map(), readyListeners: createReadyListeners() };
}

/** The check that every fenced write begins with. @throws FlatMachineError `lease-lost` */
export function checkFence(store: MemoryStore, fence: Fence): void {
  if (store.leases.get(fence.key) !== fence.token) throw staleFence(fence);
}
