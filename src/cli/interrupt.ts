import { EXIT } from './exit-codes.ts';

/**
 * Listens to SIGINT and SIGTERM for the rest of the process. The first one calls `onFirst` and aborts the signal that is returned: stop at the
 * next safe point. A second one ends the process at once, with 130.
 */
export function interruptSignal(onFirst: () => void): AbortSignal {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    onFirst();
    controller.abort();
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return controller.signal;
}
