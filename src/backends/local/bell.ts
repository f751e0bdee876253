import { type FSWatcher, unlinkSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, orMissing } from './file-errors.ts';
import type { LocalStore } from './store.ts';

/** Milliseconds between two looks at everything, beside what the system tells: it tells nothing of what other hosts do. */
const SAFETY_LOOK = 5000;

/** Tells the processes of one host that something of an execution has changed. A hint: the files are the truth. */
export interface Bell {
  /** Tells everybody who listens. @param name a name of {@link fileName} */
  ring(name: string): void;
  /** Calls `onRing` at each ring until it is stopped; with null, everything has to be looked at. Keeps the process alive. @returns what stops it */
  listen(onRing: (name: string | null) => void): () => void;
}

/** Makes the bell of a store: an empty file that comes and goes in a directory which everybody watches. One watch serves any number of executions. */
export function createBell(store: LocalStore, onWarning: (message: string) => void): Bell {
  function startWatch(onRing: (name: string | null) => void): FSWatcher | null {
    const complain = (error: Error) =>
      onWarning(
        `results of other processes are looked for every ${SAFETY_LOOK / 1000} s only: ${error.message}`,
      );
    try {
      const watcher = watch(store.ownDirectory('.bell'), (_event, name) => onRing(name));
      watcher.on('error', complain);
      return watcher;
    } catch (error) {
      complain(error as Error);
      return null;
    }
  }

  return {
    ring(name) {
      const path = join(store.root, '.bell', name);
      try {
        writeFileSync(path, '', { flag: 'wx', mode: 0o600 });
      } catch (error) {
        // Nobody listens, or somebody is ringing.
        if (!['ENOENT', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
      }
      orMissing(() => unlinkSync(path));
    },
    listen(onRing) {
      const watcher = startWatch(onRing);
      const timer = setInterval(() => onRing(null), SAFETY_LOOK);
      return () => {
        clearInterval(timer);
        watcher?.close();
      };
    },
  };
}
