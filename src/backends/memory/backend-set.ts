import type { BackendRoles } from '../interfaces.ts';
import { createWorkBackend } from '../work-backend.ts';
import { createMemoryJournal } from './journal.ts';
import { createMemoryLocking } from './locking.ts';
import { createMemoryPersistence } from './persistence.ts';
import { createMemoryRegistration } from './registration.ts';
import { createMemoryResults } from './results.ts';
import { createMemorySignals } from './signals.ts';
import { createMemorySlots } from './slots.ts';
import { createMemoryStore } from './store.ts';
import { createMemoryWork } from './work.ts';

/** Opens a store that lives and dies with this object. It takes no options that change it: there are no other processes, so leases never run out. */
export function openMemory(): BackendRoles {
  const store = createMemoryStore();
  const results = createMemoryResults();
  const journal = createMemoryJournal(store);
  const signals = createMemorySignals(store);
  const work = createMemoryWork();
  const locking = createMemoryLocking(store);
  return {
    url: 'memory:',
    durability: 'none',
    persistence: createMemoryPersistence(store, { results, journal, signals }),
    locking,
    results,
    slots: createMemorySlots(store),
    journal,
    signals,
    registration: createMemoryRegistration(),
    work: createWorkBackend(work),
    async close() {
      signals.close();
      work.close();
      locking.releaseAll();
      results.close();
    },
  };
}
