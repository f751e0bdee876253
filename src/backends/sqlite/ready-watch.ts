import { createChangeWatch } from './change-watch.ts';
import type { SqliteStore } from './database.ts';

/** Watching for executions that become ready. */
export interface ReadyWatch {
  watch(listener: () => void): () => void;
  /** Ends everybody's watching. */
  close(): void;
}

/** Makes the watch of one set. Writes of this process tell of themselves; whatever another one writes may have made something ready. */
export function createReadyWatch(store: SqliteStore): ReadyWatch {
  const others = createChangeWatch(store);
  const stops = new Set<() => void>();

  return {
    watch(listener) {
      const remove = store.readyListeners.add(listener);
      const end = others.begin(() => store.readyListeners.changed());
      const stop = () => {
        remove();
        end();
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
