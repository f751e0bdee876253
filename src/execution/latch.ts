/** Something to wait for that many may bring about. What happens while nobody waits is not missed. */
export class Latch {
  #open = false;
  #wake: (() => void) | null = null;

  /** Opens it: whoever waits, or is the next to, goes on. */
  readonly open = (): void => {
    this.#open = true;
    this.#wake?.();
  };

  /** Waits until it is opened or `ms` have passed, and closes it again. One waiter at a time. */
  async wait(ms: number): Promise<void> {
    if (!this.#open) {
      await new Promise<void>((resolve) => {
        const timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = null;
    }
    this.#open = false;
  }
}
