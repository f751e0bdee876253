import { MAX_TIMER_MS } from '../../timers.ts';

/** A signal that aborts with another one, or when the time is up. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #stop = (): void => this.#controller.abort(this.#outer?.reason);
  #passed = false;

  /** @param seconds until it aborts by itself */
  constructor(seconds: number, outer?: AbortSignal) {
    this.#outer = outer;
    this.#timer = setTimeout(
      () => {
        this.#passed = true;
        this.#controller.abort(new DOMException('the time is up', 'TimeoutError'));
      },
      Math.min(seconds * 1000, MAX_TIMER_MS),
    );
    if (outer?.aborted) this.#stop();
    else outer?.addEventListener('abort', this.#stop, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it was the time that ended the work. */
  get passed(): boolean {
    return this.#passed;
  }

  /** The work is over. */
  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#stop);
  }
}
