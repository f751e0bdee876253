import type { BackendOptions, BackendSet } from '../interfaces.ts';
import { createMemoryLocking } from './locking.ts';
import { createMemoryPersistence } from './persistence.ts';
import { createMemoryResults } from './results.ts';
import { createMemorySlots } from './slots.ts';

/** What the roles of one memory store share. */
export interface MemoryStore {
  /** Newest token of each key that is held. */
  readonly leases: Map<string, number>;
  /** Removes what other roles keep of an execution that is deleted. */
  forgetResults(executionId: string): void;
}

/** Opens a store that lives and dies with this object. It takes no options that change it: there are no other processes, so leases never run out. */
export function openMemory(_location: string, _options: BackendOptions = {}): BackendSet {
  const results = createMemoryResults();
  const store: MemoryStore = { leases: new Map(), forgetResults: results.forget };
  const locking = createMemoryLocking(store);
  return {
    url: 'memory:',
    durability: 'none',
    persistence: createMemoryPersistence(store),
    locking,
    results,
    slots: createMemorySlots(store),
    async close() {
      locking.releaseAll();
      results.close();
    },
  };
}
