import type { SqliteStore } from './database.ts';

/** Milliseconds between two looks at whether another process has written anything, while somebody watches. */
const POLL = 10;

/** Looks for what other processes write, while somebody watches. */
export interface ChangeWatch {
  /** Begins a watch: `onWrite` is called soon after another process has written anything. Returns what ends it; doing so twice is harmless. */
  begin(onWrite: () => void): () => void;
  /** Ends every watch. */
  close(): void;
}

/**
 * Makes the watch of one set. It looks at `data_version`, a number in shared memory that does not change with writes of this process. A look that fails
 * counts as a change.
 */
export function createChangeWatch(store: SqliteStore): ChangeWatch {
  const dataVersion = store.connection.prepare<[], number>('PRAGMA data_version').pluck();
  const watches = new Set<{ onWrite: () => void }>();
  let timer: NodeJS.Timeout | null = null;
  let seen: number | undefined;

  function look(): void {
    let now: number | undefined;
    try {
      now = store.read(() => dataVersion.get());
    } catch {
      // Whoever watches reads next, and meets it there.
      now = undefined;
    }
    if (now !== undefined && now === seen) return;
    seen = now;
    for (const watch of [...watches]) watch.onWrite();
  }

  function stopTimer(): void {
    if (timer) clearInterval(timer);
    timer = null;
  }

  return {
    begin(onWrite) {
      if (!timer) {
        seen = store.read(() => dataVersion.get());
        timer = setInterval(look, POLL);
        timer.unref();
      }
      const watch = { onWrite };
      watches.add(watch);
      return () => {
        watches.delete(watch);
        if (watches.size === 0) stopTimer();
      };
    },
    close() {
      watches.clear();
      stopTimer();
    },
  };
}
