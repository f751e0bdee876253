/** How many writes of one store are under way at once: enough to keep a disk busy, few enough never to run out of file descriptors. */
const MAX_WRITES = 16;

/** Lets a bounded number of writes go on at once, in the order they were asked for. */
export interface WriteGate {
  /** Runs `work` when it is its turn. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves once nothing is left to do. */
  idle(): Promise<void>;
}

/** Makes an open gate. */
export function createWriteGate(): WriteGate {
  const queue: (() => void)[] = [];
  let running = 0;
  let whenIdle: (() => void)[] = [];

  /** The next in line takes over the place, if there is one. */
  function leave(): void {
    const next = queue.shift();
    if (next) next();
    else running--;
    if (running > 0) return;
    for (const resolve of whenIdle) resolve();
    whenIdle = [];
  }

  return {
    async run(work) {
      if (running < MAX_WRITES) running++;
      else await new Promise<void>((resolve) => queue.push(resolve));
      try {
        return await work();
      } finally {
        leave();
      }
    },
    idle() {
      if (running === 0) return Promise.resolve();
      return new Promise((resolve) => {
        whenIdle.push(resolve);
      });
    },
  };
}
