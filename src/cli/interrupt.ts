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

/** How a process that serves others is told to end. */
export interface DrainSignals {
  /** Aborted by the first SIGINT or SIGTERM: begin nothing more. */
  drain: AbortSignal;
  /** Aborted by the second: stop what is under way at its next safe point. */
  interrupt: AbortSignal;
}

/** Listens to SIGINT and SIGTERM for the rest of the process. A third one ends it at once, with 130. */
export function drainSignals(tell: (message: string) => void): DrainSignals {
  const drain = new AbortController();
  const interrupt = new AbortController();
  const listener = () => {
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    if (drain.signal.aborted) {
      tell('stopping what is under way at its next safe point; a third signal ends it at once');
      interrupt.abort();
    } else {
      tell('finishing what is under way; a second signal stops that at its next safe point');
      drain.abort();
    }
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return { drain: drain.signal, interrupt: interrupt.signal };
}
