import type { BackendSet, Wait } from '../backends/interfaces.ts';
import { isFlatMachineError, toError } from '../errors.ts';
import { TERMINAL_STATUSES } from '../machine/snapshot.ts';
import { type Clock, systemClock } from '../types.ts';
import { AbandonedExecutions } from './abandoned.ts';
import { DispatchPauses, type PauseCause } from './dispatch-pauses.ts';
import { Latch } from './latch.ts';
import type { ExecutionResult } from './setup.ts';

/** Without anything that wakes it, the dispatcher looks this often, milliseconds. */
const FALLBACK_MS = 5_000;

/** How often it looks for further deadlines while one that has passed cannot be served, milliseconds. */
const OVERDUE_MS = 250;

/** How long it waits after the store has failed, milliseconds: first, and at most. */
const STORE_PAUSE_MS = [500, 30_000] as const;

/** Executions resumed at the same time, unless told otherwise. */
const CONCURRENCY = 16;

/** Why an execution can go on. `abandoned`: the process that went on with it after a wait has died, or could not. */
export type DispatchReason = 'signal' | 'deadline' | 'child' | 'abandoned';

/** What a dispatcher tells. */
export type DispatchEvent =
  | { type: 'resuming'; executionId: string; reason: DispatchReason; channel: string | null }
  | { type: 'resumed'; executionId: string; result: ExecutionResult }
  /** Somebody else runs it. `retryIn`: milliseconds. */
  | { type: 'busy'; executionId: string; retryIn: number }
  /** It could not be resumed; it is tried again. `retryIn`: milliseconds. */
  | { type: 'failed'; executionId: string; error: Error; retryIn: number }
  /** The store could not be asked. `retryIn`: milliseconds. */
  | { type: 'store'; error: Error; retryIn: number };

/** What a dispatcher works with. */
export interface DispatcherOptions {
  backends: Pick<BackendSet, 'signals' | 'persistence' | 'locking'>;
  /**
   * Resumes one execution, in this process, as far as it goes. What it throws is reported and the execution tried again later. It should leave a failed execution failed
   * (`retry: false`): another process may have taken it further than the wait says.
   */
  resume: (executionId: string) => Promise<ExecutionResult>;
  /** Executions resumed at the same time. Default 16. */
  concurrency?: number | undefined;
  clock?: Clock | undefined;
  /** Told of what it does. Must not throw. */
  onEvent?: ((event: DispatchEvent) => void) | undefined;
}

/** What {@link SignalDispatcher.once} came to. */
export interface DispatchCounts {
  /** Resumes that came to something, however the execution then ended. */
  resumed: number;
  /** Executions that are left to whoever runs them. */
  busy: number;
  /** Executions that could not be resumed. */
  failed: number;
}

/** An execution to be resumed. */
interface Ready {
  executionId: string;
  /** The `work_step` that waits; none for an abandoned one. */
  work: number | null;
  reason: DispatchReason;
  channel: string | null;
}

/**
 * Resumes every execution that what it waits for has come to: a signal, its deadline, the end of a child; and those that a dispatcher has left behind when it died. Parked
 * executions cost it nothing: it asks the store for those that are ready. Several dispatchers may share a store; a lease decides who resumes an execution, and the others leave it alone.
 */
export class SignalDispatcher {
  readonly #signals: BackendSet['signals'];
  readonly #abandoned: AbandonedExecutions;
  readonly #resume: DispatcherOptions['resume'];
  readonly #concurrency: number;
  readonly #clock: Clock;
  readonly #tell: (event: DispatchEvent) => void;
  readonly #inFlight = new Map<string, Promise<void>>();
  readonly #pauses = new DispatchPauses();
  readonly #latch = new Latch();
  /** When abandoned executions were last looked for, on the monotonic clock. */
  #swept = Number.NEGATIVE_INFINITY;
  #resumed = 0;
  #busy = new Set<string>();
  #failed = new Set<string>();

  constructor(options: DispatcherOptions) {
    this.#signals = options.backends.signals;
    this.#abandoned = new AbandonedExecutions(options.backends);
    this.#resume = options.resume;
    this.#concurrency = options.concurrency ?? CONCURRENCY;
    this.#clock = options.clock ?? systemClock;
    this.#tell = options.onEvent ?? (() => {});
  }

  /** How many executions it is resuming now. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /**
   * Resumes what is ready, and what becomes ready by that, until nothing is. What could not be resumed is left for the next time.
   * @param stop aborted = begin nothing more; what is under way is waited for
   * @throws FlatMachineError `backend` when the store cannot be asked
   */
  async once(stop?: AbortSignal): Promise<DispatchCounts> {
    this.#resumed = 0;
    this.#busy = new Set();
    this.#failed = new Set();
    this.#swept = Number.NEGATIVE_INFINITY;
    const { open } = this.#latch;
    stop?.addEventListener('abort', open);
    try {
      while (stop?.aborted !== true) {
        await this.#look();
        const now = this.#clock.monotonic();
        const next = this.#pauses.next(now, true);
        if (this.#inFlight.size === 0 && next === Number.POSITIVE_INFINITY) break;
        await this.#latch.wait(next - now);
      }
    } finally {
      stop?.removeEventListener('abort', open);
      await this.#settled();
    }
    return { resumed: this.#resumed, busy: this.#busy.size, failed: this.#failed.size };
  }

  /**
   * Resumes whatever becomes ready, until it is stopped. A store that fails is reported and asked again.
   * @param stop aborted = begin nothing more; resolves once what is under way has come to its end or its next wait
   */
  async run(stop: AbortSignal): Promise<void> {
    const { open } = this.#latch;
    stop.addEventListener('abort', open);
    const unwatch = this.#signals.watch(open);
    let failures = 0;
    try {
      while (!stop.aborted) {
        let wait: number;
        try {
          await this.#look();
          wait = await this.#untilNext();
          failures = 0;
        } catch (thrown) {
          const [first, longest] = STORE_PAUSE_MS;
          wait = Math.min(longest, first * 2 ** failures++);
          this.#tell({ type: 'store', error: toError(thrown), retryIn: wait });
        }
        await this.#latch.wait(wait);
      }
    } finally {
      unwatch();
      stop.removeEventListener('abort', open);
      await this.#settled();
    }
  }

  /** Begins with as many of those that are ready as there is room for. */
  async #look(): Promise<void> {
    const free = this.#concurrency - this.#inFlight.size;
    if (free <= 0) return;
    // Enough that those which are passed over cannot hide the others.
    const limit = free + this.#inFlight.size + this.#pauses.held(this.#clock.monotonic());
    const ready = await this.#signals.ready(this.#clock.now(), limit);
    if (this.#clock.monotonic() - this.#swept >= FALLBACK_MS) await this.#sweep();
    for (const wait of ready) this.#offer(readyBy(wait, this.#clock.now()));
  }

  /** Begins with executions that have been abandoned. They come first, and if there are too many of them the rest is looked for again as soon as there is room. */
  async #sweep(): Promise<void> {
    const found = await this.#abandoned.find();
    for (const executionId of found) {
      this.#offer({ executionId, work: null, reason: 'abandoned', channel: null });
    }
    if (found.length <= this.#concurrency) this.#swept = this.#clock.monotonic();
  }

  /** Begins with it if there is room, and nothing speaks against it. */
  #offer(ready: Ready): void {
    const { executionId: id, work } = ready;
    if (this.#inFlight.size >= this.#concurrency || this.#inFlight.has(id)) return;
    if (this.#pauses.holds(id, work, this.#clock.monotonic())) return;
    const done = this.#serve(ready).finally(() => {
      this.#inFlight.delete(id);
      this.#latch.open();
    });
    this.#inFlight.set(id, done);
  }

  async #serve({ executionId, work, reason, channel }: Ready): Promise<void> {
    this.#tell({ type: 'resuming', executionId, reason, channel });
    const pause = (cause: PauseCause) => this.#pauses.add(executionId, cause, work, this.#clock.monotonic());
    try {
      const result = await this.#resume(executionId);
      this.#resumed++;
      this.#busy.delete(executionId);
      if (!TERMINAL_STATUSES.has(result.status)) pause(result.status === 'waiting' ? 'again' : 'stuck');
      this.#tell({ type: 'resumed', executionId, result });
    } catch (thrown) {
      if (isFlatMachineError(thrown, 'locked', 'lease-lost', 'step-conflict')) {
        this.#busy.add(executionId);
        this.#tell({ type: 'busy', executionId, retryIn: pause('busy') });
      } else {
        this.#failed.add(executionId);
        this.#tell({ type: 'failed', executionId, error: toError(thrown), retryIn: pause('stuck') });
      }
    }
  }

  /** Milliseconds until something may be ready that nobody tells of. */
  async #untilNext(): Promise<number> {
    const deadline = await this.#signals.nextDeadline();
    const now = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const untilDeadline = deadline === null ? FALLBACK_MS : deadline > now ? deadline - now : OVERDUE_MS;
    return Math.min(FALLBACK_MS, untilDeadline, this.#pauses.next(monotonic) - monotonic);
  }

  async #settled(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight.values());
  }
}

function readyBy(
  { execution_id: executionId, work, channel, signal_id, deadline }: Wait,
  now: number,
): Ready {
  const overdue = deadline !== null && deadline <= now;
  return {
    executionId,
    work,
    channel,
    reason: signal_id !== null ? 'signal' : overdue ? 'deadline' : 'child',
  };
}
