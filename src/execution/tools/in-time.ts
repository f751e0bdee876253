import { FlatMachineError } from '../../errors.ts';
import { MAX_TIMER_MS } from '../../timers.ts';

/**
 * Waits for a tool until its time is over, or the work's: then its signal tells it to stop, and nobody waits for it any more.
 * @param timeout seconds
 * @param over aborted when its time is over
 * @param stop aborts when the work must stop
 * @throws FlatMachineError `timeout`; the reason of `stop`
 */
export async function inTime<T>(
  running: Promise<T>,
  timeout: number,
  over: AbortController,
  stop: AbortSignal,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onStop = () => {};
  try {
    return await new Promise<T>((resolve, reject) => {
      const end = (reason: unknown) => {
        over.abort(reason);
        reject(reason);
      };
      onStop = () => end(stop.reason);
      stop.addEventListener('abort', onStop, { once: true });
      if (timeout * 1000 <= MAX_TIMER_MS) {
        const reason = new FlatMachineError(
          'timeout',
          `it ran longer than ${timeout} s and is no longer waited for`,
        );
        timer = setTimeout(() => end(reason), timeout * 1000);
      }
      running.then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', onStop);
  }
}
