/** Those who wait for commands to end, by `SLOT/ID`. A record that comes before anybody waits is kept for its waiter. */
export class Waiters {
  readonly #waiting = new Map<string, Set<Waiter>>();

  /** Registers interest in a command. Call {@link Waiter.leave} when done. */
  enter(key: string): Waiter {
    const waiter = new Waiter((self) => this.#leave(key, self));
    const group = this.#waiting.get(key);
    if (group) group.add(waiter);
    else this.#waiting.set(key, new Set([waiter]));
    return waiter;
  }

  /** The command has ended, and this is its record. */
  settle(key: string, record: string): void {
    for (const waiter of this.#waiting.get(key) ?? []) waiter.settle(record);
  }

  /** Makes everybody look again, e.g. because the channel has ended. */
  wakeAll(): void {
    for (const group of this.#waiting.values()) for (const waiter of group) waiter.wake();
  }

  #leave(key: string, waiter: Waiter): void {
    const group = this.#waiting.get(key);
    group?.delete(waiter);
    if (group?.size === 0) this.#waiting.delete(key);
  }
}

/** One who waits. */
export class Waiter {
  record: string | undefined;
  readonly #leave: (self: Waiter) => void;
  #wake: (() => void) | undefined;

  constructor(leave: (self: Waiter) => void) {
    this.#leave = leave;
  }

  settle(record: string): void {
    this.record = record;
    this.wake();
  }

  wake(): void {
    this.#wake?.();
  }

  leave(): void {
    this.#leave(this);
  }

  /** Waits until the record is there, somebody wakes it, or `ms` are over. */
  async wait(ms: number): Promise<void> {
    if (this.record !== undefined) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
