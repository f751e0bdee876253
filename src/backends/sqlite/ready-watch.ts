import type { SqliteStore } from './database.ts';

/** Milliseconds between two looks at whether another process has written anything, while somebody watches. */
const POLL = 10;

/** Watching for executions that become ready. */
export interface ReadyWatch {
  watch(listener: () => void): () => void;
  /** Ends everybody's watching. */
  close(): void;
}

/**
 * Makes the watch of one set. Writes of this process tell of themselves; for those of others it looks at `data_version`, a number in shared memory. A
 * look that fails counts as a change.
 */
export function createReadyWatch(store: SqliteStore): ReadyWatch {
  const dataVersion = store.connection.prepare<[], number>('PRAGMA data_version').pluck();
  const stops = new Set<() => void>();
  let timer: NodeJS.Timeout | null = null;
  let seen: number | undefined;

  function look(): void {
    let now: number | undefined;
    try {
      now = store.read(() => dataVersion.get());
    } catch {
      // Whoever listens reads next, and meets it there.
      now = undefined;
    }
    if (now !== undefined && now === seen) return;
    seen = now;
    store.readyListeners.changed();
  }

  function stopTimer(): void {
    if (timer) clearInterval(timer);
    timer = null;
  }

  return {
    watch(listener) {
      const remove = store.readyListeners.add(listener);
      if (!timer) {
        seen = store.read(() => dataVersion.get());
        timer = setInterval(look, POLL);
        timer.unref();
      }
      const stop = () => {
        remove();
        stops.delete(stop);
        if (stops.size === 0) stopTimer();
      };
      stops.add(stop);
      return stop;
    },
    close() {
      for (const stop of stops) stop();
    },
  };
}
