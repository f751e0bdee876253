import { FlatMachineError } from '../errors.ts';
import { MAX_TIMER_MS } from '../timers.ts';

/** First pause between two looks at a shared store, milliseconds; it grows while nothing changes. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** A place in the line. */
export interface Ticket {
  /** Waits until this ticket is the first. */
  turn(): Promise<void>;
  /** For the first in line: pauses until the line is nudged or it is time to look again. */
  pause(reason: string): Promise<void>;
  /** Gives up the place; safe to repeat. */
  leave(): void;
}

/** What bounds a wait. */
export interface WaitBounds {
  signal: AbortSignal;
  /** Seconds in all, for the message. */
  timeout: number;
  /** When it ends, on the clock of `performance.now()`. */
  deadline: number;
  /** Told of the position (1 = next) and the reason whenever one of them changes. */
  onWaiting: (position: number, reason: string) => void;
  /** Joins before everybody else: for one who had a turn already. */
  first?: boolean;
}

interface Waiter {
  wake: () => void;
}

/** First come, first served, within one process. Only the first in line looks at the shared store. */
export class WaitLine {
  readonly #waiters: Waiter[] = [];

  /** How many wait. */
  get length(): number {
    return this.#waiters.length;
  }

  /** Something may have become free. */
  nudge(): void {
    this.#waiters[0]?.wake();
  }

  /** Takes a place at the end of the line. */
  join(bounds: WaitBounds): Ticket {
    const waiter: Waiter = { wake: () => {} };
    if (bounds.first === true) this.#waiters.unshift(waiter);
    else this.#waiters.push(waiter);
    const { deadline, timeout } = bounds;
    let pauseMs = FIRST_PAUSE_MS;
    let told = '';
    const tell = (reason: string) => {
      const position = this.#waiters.indexOf(waiter) + 1;
      if (told === `${position} ${reason}`) return;
      told = `${position} ${reason}`;
      bounds.onWaiting(position, reason);
    };
    const sleep = (ms: number) =>
      this.#sleep(waiter, bounds.signal, Math.min(ms, deadline - performance.now()));
    const assertTime = () => {
      if (performance.now() < deadline) return;
      throw new FlatMachineError('acquire-timeout', `no slot became free within ${timeout} s`, {
        details: { position: this.#waiters.indexOf(waiter) + 1, acquire_timeout: timeout },
      });
    };
    return {
      turn: async () => {
        bounds.signal.throwIfAborted();
        while (this.#waiters[0] !== waiter) {
          assertTime();
          tell('others wait for a slot too');
          await sleep(Number.POSITIVE_INFINITY);
        }
      },
      pause: async (reason) => {
        assertTime();
        tell(reason);
        // Uneven, so that processes that got in each other's way do not do so again.
        const nudged = await sleep(pauseMs * (0.5 + Math.random() / 2));
        pauseMs = nudged ? FIRST_PAUSE_MS : Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
      },
      leave: () => this.#leave(waiter),
    };
  }

  #leave(waiter: Waiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index < 0) return;
    this.#waiters.splice(index, 1);
    // Everybody behind moves up and wants to know.
    for (const behind of this.#waiters.slice(index)) behind.wake();
  }

  /** Resolves true when woken, false when `ms` have passed; rejects with the signal's reason. */
  async #sleep(waiter: Waiter, signal: AbortSignal, ms: number): Promise<boolean> {
    signal.throwIfAborted();
    let timer: NodeJS.Timeout | undefined;
    let onAbort = () => {};
    try {
      return await new Promise<boolean>((resolve, reject) => {
        waiter.wake = () => resolve(true);
        onAbort = () => reject(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        timer = setTimeout(() => resolve(false), Math.max(0, Math.min(ms, MAX_TIMER_MS)));
      });
    } finally {
      waiter.wake = () => {};
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
