import { hostname } from 'node:os';
import { FlatMachineError } from '../../errors.ts';
import type { ExecutionLock, Lease } from '../interfaces.ts';
import type { MemoryStore } from './store.ts';

interface Held {
  lease: Lease;
  abort: AbortController;
  acquiredAt: string;
}

/** Exclusive execution within one store in one process. Its leases are lost only by `close`. */
export interface MemoryLocking extends ExecutionLock {
  /** Ends every lease, telling its holder. */
  releaseAll(): void;
}

/** Makes the locks of a memory store. */
export function createMemoryLocking(store: MemoryStore): MemoryLocking {
  const held = new Map<string, Held>();
  let lastToken = 0;

  function drop(key: string): Held | undefined {
    const entry = held.get(key);
    held.delete(key);
    store.leases.delete(key);
    return entry;
  }

  return {
    async acquire(key) {
      if (held.has(key)) return false;
      const abort = new AbortController();
      const lease: Lease = { key, token: ++lastToken, signal: abort.signal };
      held.set(key, { lease, abort, acquiredAt: new Date().toISOString() });
      store.leases.set(key, lease.token);
      return true;
    },
    async release(key) {
      if (drop(key)) store.readyListeners.changed();
    },
    lease: (key) => held.get(key)?.lease ?? null,
    async holder(key) {
      const entry = held.get(key);
      if (!entry) return null;
      return {
        owner: `${process.pid}@${hostname()}`,
        token: entry.lease.token,
        acquired_at: entry.acquiredAt,
        expires_in: Number.POSITIVE_INFINITY,
      };
    },
    releaseAll() {
      for (const key of [...held.keys()]) {
        drop(key)?.abort.abort(
          new FlatMachineError('lease-lost', `the store was closed while ${key} was held`),
        );
      }
    },
  };
}
