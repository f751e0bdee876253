import type { BackendSet } from '../../src/backends/interfaces.ts';
import { FlatMachineError } from '../../src/errors.ts';

/** A store whose process can be made to die at a write: from then on nothing can be written until it is revived. */
export interface DyingStore {
  readonly backends: BackendSet;
  /** Dies at the `n`-th write from now (1 = the next), before it is made, or right after, when it is stored and nobody hears of it. */
  dieAt(n: number, when: 'before' | 'after'): void;
  /** The next process: writes work again. */
  revive(): void;
  /** Writes since it was made or revived. */
  readonly writes: number;
  readonly dead: boolean;
}

/** Wraps a store of one process: what a kill does to it, without one. Leases of the dead stay until they are taken over. */
export function dyingStore(real: BackendSet): DyingStore {
  let writes = 0;
  let fatal = Number.POSITIVE_INFINITY;
  let moment: 'before' | 'after' = 'before';
  let dead = false;
  const died = () => new FlatMachineError('backend', 'this process is dead');

  async function write<T>(work: () => Promise<T>): Promise<T> {
    if (dead) throw died();
    if (++writes < fatal) return work();
    dead = true;
    if (moment === 'after') await work();
    throw died();
  }

  const { persistence, journal, signals, results, locking } = real;
  const orphaned = new Set<string>();
  return {
    backends: {
      ...real,
      locking: {
        ...locking,
        async acquire(key) {
          const acquired = await locking.acquire(key);
          if (acquired) orphaned.delete(key);
          return acquired;
        },
        async release(key) {
          if (dead) orphaned.add(key);
          await locking.release(key);
        },
        async holder(key) {
          if (!orphaned.has(key)) return locking.holder(key);
          return { owner: 'the dead', token: 0, acquired_at: new Date(0).toISOString(), expires_in: 0 };
        },
      },
      persistence: { ...persistence, save: (...args) => write(() => persistence.save(...args)) },
      journal: { ...journal, append: (...args) => write(() => journal.append(...args)) },
      signals: { ...signals, wait: (request) => write(() => signals.wait(request)) },
      results: { ...results, write: (...args) => write(() => results.write(...args)) },
    },
    dieAt(n, when) {
      fatal = writes + n;
      moment = when;
    },
    revive() {
      dead = false;
      fatal = Number.POSITIVE_INFINITY;
      writes = 0;
    },
    get writes() {
      return writes;
    },
    get dead() {
      return dead;
    },
  };
}
