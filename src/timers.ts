import { setTimeout as delay } from 'node:timers/promises';

/** The longest delay that `setTimeout` takes, milliseconds (24.8 days); a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Waits, at most {@link MAX_TIMER_MS}.
 * @param ms milliseconds; 0 or less = not at all
 * @param signal ends the wait
 * @throws the signal's reason
 */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  if (ms <= 0) return;
  try {
    await delay(Math.min(ms, MAX_TIMER_MS), undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * Waits for work until a signal aborts, even if the work does not listen to it. What the work comes to after that is dropped.
 * @throws what the work throws; the signal's reason
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = () => {};
  try {
    return await new Promise<T>((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      work.then(resolve, reject);
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
