import { FlatMachineError } from '../errors.ts';
import { MAX_TIMER_MS } from '../timers.ts';
import type { JsonValue } from '../types.ts';

interface Waiter {
  resolve: (data: JsonValue) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout | undefined;
}

/** Readers that are blocked until a result is written. */
export interface ResultWaiters {
  /** Whether anybody waits. */
  readonly size: number;
  /**
   * Waits for {@link wake} on `key`.
   * @param timeout milliseconds; absent = for ever
   * @throws FlatMachineError `timeout`
   */
  wait(key: string, timeout: number | undefined): Promise<JsonValue>;
  /** Whether somebody waits for `key`. */
  has(key: string): boolean;
  /** Gives each reader of `key` its own copy. */
  wake(key: string, makeCopy: () => JsonValue): void;
  /** Rejects the readers of `key`. */
  reject(key: string, error: Error): void;
  /** Rejects everybody: the store closes. */
  rejectAll(error: Error): void;
}

/** Makes an empty set of waiters. */
export function createResultWaiters(): ResultWaiters {
  const waiters = new Map<string, Set<Waiter>>();

  function remove(key: string, waiter: Waiter): void {
    clearTimeout(waiter.timer);
    const others = waiters.get(key);
    others?.delete(waiter);
    if (others?.size === 0) waiters.delete(key);
  }

  function settle(key: string, act: (waiter: Waiter) => void): void {
    for (const waiter of waiters.get(key) ?? []) {
      remove(key, waiter);
      act(waiter);
    }
  }

  return {
    get size() {
      return waiters.size;
    },
    has: (key) => waiters.has(key),
    wait(key, timeout) {
      return new Promise((resolve, reject) => {
        const waiter: Waiter = { resolve, reject, timer: undefined };
        if (timeout !== undefined) {
          waiter.timer = setTimeout(
            () => {
              remove(key, waiter);
              reject(new FlatMachineError('timeout', `no result within ${timeout} ms: ${key}`));
            },
            Math.min(timeout, MAX_TIMER_MS),
          );
        }
        const others = waiters.get(key);
        if (others) others.add(waiter);
        else waiters.set(key, new Set([waiter]));
      });
    },
    wake(key, makeCopy) {
      settle(key, (waiter) => waiter.resolve(makeCopy()));
    },
    reject(key, error) {
      settle(key, (waiter) => waiter.reject(error));
    },
    rejectAll(error) {
      for (const key of [...waiters.keys()]) settle(key, (waiter) => waiter.reject(error));
    },
  };
}
