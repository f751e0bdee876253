import { leaseClock } from '../process-identity.ts';
import { createReadyListeners, type ReadyListeners } from '../ready-listeners.ts';
import { createChangeWatch } from './change-watch.ts';
import type { SqliteStore } from './database.ts';

/** Milliseconds for which a watch is announced to other processes; it is announced again while it lasts. */
const ANNOUNCED = 60_000;

/** Watching for what becomes of the items of pools. */
export interface PoolWatch {
  watch(pool: string, listener: () => void): () => void;
  /** Ends everybody's watching. */
  close(): void;
}

/** Everybody in this process who watches pools of a file, by its connection. */
const listenersOf = new WeakMap<object, Map<string, ReadyListeners>>();

/** Tells this process that it has changed something about the items of a pool. */
export function poolChanged(store: SqliteStore, pool: string): void {
  listenersOf.get(store.connection)?.get(pool)?.changed();
}

/**
 * Makes the watch of one set. Writes of this process tell of themselves. Those of others are counted in the pool's row while a watch is announced there,
 * and after each write of another process the count is looked at. What was written before the announcement is told by calling everybody once.
 * @param beforeAnnouncing done in the transaction of an announcement, before it: what takes back those from before the machine was booted must not come after it
 */
export function createPoolWatch(store: SqliteStore, beforeAnnouncing: () => void): PoolWatch {
  const { connection } = store;
  const others = createChangeWatch(store);
  const announce = connection.prepare<[string, number]>(
    `INSERT INTO pools (name, watched) VALUES (?, ?)
     ON CONFLICT (name) DO UPDATE SET watched = max(watched, excluded.watched)`,
  );
  const countOf = connection.prepare<[string], number>('SELECT changes FROM pools WHERE name = ?').pluck();
  const stops = new Set<() => void>();
  /** Until when each pool's watch is announced, on the lease clock. */
  const announced = new Map<string, number>();

  function listenersFor(pool: string): ReadyListeners {
    const pools = listenersOf.get(connection) ?? new Map<string, ReadyListeners>();
    listenersOf.set(connection, pools);
    const known = pools.get(pool) ?? createReadyListeners();
    pools.set(pool, known);
    return known;
  }

  /** A failure counts as a change: whoever is told reads next, and meets it there. */
  async function keepAnnounced(pool: string, listeners: ReadyListeners): Promise<void> {
    const now = leaseClock();
    const until = announced.get(pool) ?? 0;
    if (until > now + ANNOUNCED / 2) return;
    announced.set(pool, now + ANNOUNCED);
    try {
      await store.write(() => {
        beforeAnnouncing();
        announce.run(pool, now + ANNOUNCED);
      });
    } catch {
      announced.delete(pool);
    }
    if (until < leaseClock() || !announced.has(pool)) listeners.changed();
  }

  function lookAt(pool: string): number | null {
    try {
      return store.read(() => countOf.get(pool)) ?? 0;
    } catch {
      return null;
    }
  }

  return {
    watch(pool, listener) {
      let seen: number | null = store.read(() => countOf.get(pool)) ?? 0;
      const listeners = listenersFor(pool);
      const remove = listeners.add(listener);
      const end = others.begin(() => {
        const now = lookAt(pool);
        if (now !== null && now === seen) return;
        seen = now;
        listeners.changed();
      });
      void keepAnnounced(pool, listeners);
      const timer = setInterval(() => void keepAnnounced(pool, listeners), ANNOUNCED / 3);
      timer.unref();
      const stop = () => {
        remove();
        end();
        clearInterval(timer);
        stops.delete(stop);
      };
      stops.add(stop);
      return stop;
    },
    close() {
      for (const stop of stops) stop();
    },
  };
}
