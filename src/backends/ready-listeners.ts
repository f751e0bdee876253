/** Everybody in this process who wants to know when executions may have become ready. */
export interface ReadyListeners {
  /** Whether anybody listens. */
  readonly size: number;
  /** Calls `listener` after every {@link changed} from now on. Returns what ends that. */
  add(listener: () => void): () => void;
  /** Says that something may have become ready. What happens in one turn of the event loop is told once, after it. */
  changed(): void;
}

/** Makes an empty set of listeners. */
export function createReadyListeners(): ReadyListeners {
  const listeners = new Set<{ call: () => void }>();
  let scheduled = false;

  function tell(): void {
    scheduled = false;
    for (const listener of [...listeners]) if (listeners.has(listener)) listener.call();
  }

  return {
    get size() {
      return listeners.size;
    },
    add(call) {
      const listener = { call };
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    changed() {
      if (scheduled || listeners.size === 0) return;
      scheduled = true;
      setImmediate(tell);
    },
  };
}
