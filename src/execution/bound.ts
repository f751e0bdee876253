import { FlatMachineError } from '../errors.ts';
import { MAX_TIMER_MS } from '../timers.ts';
import type { Clock } from '../types.ts';
import type { StopSource } from './stop.ts';

/** How long work that was told to stop may take to say so itself, milliseconds. */
const SETTLE_MS = 75;

/**
 * The bounds of one piece of work: the run's stop source and the state's deadline. Costs nothing until a signal is asked for or
 * the work turns out to be asynchronous.
 */
export class WorkBound {
  readonly deadline: number | null;
  readonly #stop: StopSource;
  readonly #clock: Clock;
  #controller: AbortController | null = null;

  /** @param deadline milliseconds since the epoch, or null */
  constructor(stop: StopSource, deadline: number | null, clock: Clock) {
    this.#stop = stop;
    this.deadline = deadline;
    this.#clock = clock;
  }

  /** Aborts, with a typed reason, when the work must end. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#stop.reason !== null) this.#controller.abort(this.#stop.reason);
    }
    return this.#controller.signal;
  }

  /** @throws TimeoutError when the deadline has passed already, e.g. while nobody ran the execution */
  assertTime(what: string): void {
    if (this.deadline !== null && this.#clock.now() >= this.deadline) throw this.#timeout(what);
  }

  /**
   * Waits for the work within its bounds. A deadline, a cancellation or a lost lease reject even if the work does not listen to its signal;
   * an interruption waits for work that does not listen, since that is its next safe point.
   */
  async race<T>(what: string, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let settle: NodeJS.Timeout | undefined;
    let ended: FlatMachineError | null = null;
    let onStop = () => {};
    try {
      return await new Promise<T>((resolve, reject) => {
        const end = (reason: FlatMachineError) => {
          // Work that was told to end for good is not carried over, whatever comes after that.
          if (ended !== null && ended.code !== 'interrupted' && reason.code !== 'lease-lost') return;
          ended = reason;
          void this.signal;
          this.#controller?.abort(reason);
          if (reason.code !== 'interrupted') settle ??= setTimeout(() => reject(ended), SETTLE_MS);
        };
        onStop = () => end(this.#stop.reason as FlatMachineError);
        if (this.#stop.signal.aborted) onStop();
        else this.#stop.signal.addEventListener('abort', onStop, { once: true });
        timer = this.#deadlineTimer(() => end(this.#timeout(what)));
        work.then(
          (value) => (ended === null || ended.code === 'interrupted' ? resolve(value) : reject(ended)),
          (error) => reject(ended ?? error),
        );
      });
    } finally {
      clearTimeout(timer);
      clearTimeout(settle);
      this.#stop.signal.removeEventListener('abort', onStop);
    }
  }

  #deadlineTimer(fire: () => void): NodeJS.Timeout | undefined {
    if (this.deadline === null) return undefined;
    const remaining = this.deadline - this.#clock.now();
    return remaining > MAX_TIMER_MS ? undefined : setTimeout(fire, Math.max(0, remaining));
  }

  #timeout(what: string): FlatMachineError {
    return new FlatMachineError('timeout', `${what} ran past its timeout`);
  }
}
