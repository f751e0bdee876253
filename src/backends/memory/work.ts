import { systemClock } from '../../types.ts';
import { storeClosed } from '../failures.ts';
import { createReadyListeners, type ReadyListeners } from '../ready-listeners.ts';
import { reapedError } from '../work-rules.ts';
import type { WorkStore } from '../work-store.ts';
import { MemoryPool } from './pool.ts';

/** Items of one process. */
export interface MemoryWork extends WorkStore {
  /** Ends everybody's watching. */
  close(): void;
}

/** Makes an empty store of work. What a claim costs grows with the logarithm of what is pending. */
export function createMemoryWork(): MemoryWork {
  const pools = new Map<string, MemoryPool>();
  const listeners = new Map<string, ReadyListeners>();
  let closed = false;

  /** Each call is atomic: nothing else runs before it returns. */
  function within<T>(name: string, work: (pool: MemoryPool) => T, changes = true): T {
    if (closed) throw storeClosed();
    const pool = pools.get(name) ?? new MemoryPool(systemClock.monotonic);
    const result = work(pool);
    // One that was emptied stays: its next item must not get an old id.
    if (!pool.isEmpty) pools.set(name, pool);
    if (changes) listeners.get(name)?.changed();
    return result;
  }

  return {
    async push(name, items) {
      return within(name, (pool) => items.map((item) => pool.push(item)));
    },
    async exchange(name, finishes, claim) {
      return within(
        name,
        (pool) => {
          const outcomes = finishes.map((finish) => pool.finish(finish));
          const settled = claim !== null && pool.settleDue();
          const claimed = claim ? pool.claim(claim) : [];
          if (settled || outcomes.includes('ok')) listeners.get(name)?.changed();
          return { outcomes, claimed };
        },
        false,
      );
    },
    async renew(name, claims, lease) {
      return within(
        name,
        (pool) => claims.map(({ id, claim_token }) => pool.renew(id, claim_token, lease)),
        false,
      );
    },
    async counts(name) {
      return within(name, (pool) => pool.counts(), false);
    },
    async items(name, filter) {
      return within(name, (pool) => pool.items(filter), false);
    },
    async releaseByWorker(name, workerId) {
      return within(name, (pool) => pool.reap(workerId, reapedError(workerId)));
    },
    async requeue(name, ids) {
      return within(name, (pool) => pool.requeue(ids));
    },
    async remove(name, ids) {
      return within(name, (pool) => pool.remove(ids), false);
    },
    async pools() {
      if (closed) throw storeClosed();
      return [...pools.keys()].filter((name) => pools.get(name)?.isEmpty === false).sort();
    },
    watch(name, listener) {
      if (closed) throw storeClosed();
      const known = listeners.get(name) ?? createReadyListeners();
      listeners.set(name, known);
      const stop = known.add(listener);
      return () => {
        stop();
        if (known.size === 0) listeners.delete(name);
      };
    },
    async nextChange(name) {
      return within(name, (pool) => pool.nextChange(), false);
    },
    close() {
      closed = true;
      listeners.clear();
    },
  };
}
