import { toError } from '../errors.ts';

/** What may happen between two checks of the host, milliseconds. */
const CHECK_EVERY_MS = 30_000;

/** How long nothing is claimed after the host has failed, milliseconds: first, and at most. It doubles while nothing succeeds. */
const PAUSE_MS = [1_000, 60_000] as const;

/** Codes of errors that are the host's fault rather than an item's. */
const HOST_CODES: ReadonlySet<string> = new Set([
  'runner-unavailable',
  'unknown-runner',
  'create-failed',
  'missing-package',
  'hook-load',
  'auth',
]);

/** Whether an attempt that failed with this code would as well have failed with any other item. */
export function isHostFailure(code: string | undefined): boolean {
  return code !== undefined && HOST_CODES.has(code);
}

/** Keeps a host that cannot run the machine from taking items and failing them: it is checked before anything is claimed, and after failures of its own it claims one item at a time, with pauses. */
export class HostGate {
  readonly #check: () => Promise<void>;
  readonly #onFailure: (error: Error, retryIn: number) => void;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #pausedUntil = 0;
  #failures = 0;

  /**
   * @param check throws what keeps the host from running the machine
   * @param onFailure told of that, and for how many milliseconds nothing is claimed. Must not throw
   */
  constructor(check: () => Promise<void>, onFailure: (error: Error, retryIn: number) => void) {
    this.#check = check;
    this.#onFailure = onFailure;
  }

  /** Milliseconds until something may be claimed again; 0 = now. */
  get pause(): number {
    return Math.max(0, this.#pausedUntil - performance.now());
  }

  /** @throws what keeps the host from running the machine */
  async check(): Promise<void> {
    await this.#check();
    this.#checkedAt = performance.now();
  }

  /** How many items may be claimed, of as many as there is room for. Never throws. */
  async admit(room: number, running: number): Promise<number> {
    if (room === 0 || this.pause > 0) return 0;
    if (performance.now() - this.#checkedAt >= CHECK_EVERY_MS) {
      try {
        await this.check();
      } catch (thrown) {
        this.failed(toError(thrown));
        return 0;
      }
    }
    return this.#failures === 0 ? room : Math.min(room, Math.max(0, 1 - running));
  }

  /** The host has failed. Several items that were under way and fail together count once. */
  failed(error: Error): void {
    this.#checkedAt = Number.NEGATIVE_INFINITY;
    if (this.pause > 0) return;
    const [first, longest] = PAUSE_MS;
    const retryIn = Math.min(longest, first * 2 ** this.#failures++);
    this.#pausedUntil = performance.now() + retryIn;
    this.#onFailure(error, retryIn);
  }

  /** An attempt came to an end that is not the host's fault. */
  worked(): void {
    this.#failures = 0;
  }
}
