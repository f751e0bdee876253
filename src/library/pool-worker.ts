import type { Claim, ClaimedItem, Finish, WorkPool } from '../backends/interfaces.ts';
import { isFlatMachineError, toError } from '../errors.ts';
import type { ExecutionEvent } from '../events.ts';
import { Latch } from '../execution/latch.ts';
import { ClaimKeeper } from '../execution/pool/claim-keeper.ts';
import { itemExecutionId } from '../execution/pool/item-execution-id.ts';
import { WorkerHeartbeat } from '../execution/pool/worker-heartbeat.ts';
import { MAX_TIMER_MS } from '../timers.ts';
import type { PoolWorkerCounts, PoolWorkerEvent } from './pool-worker-events.ts';
import { HostGate } from './pool-worker-host.ts';
import { claimKey, longestWaiting, RunningItem } from './pool-worker-item.ts';
import { type PoolWorkerOptions, registrationOf } from './pool-worker-options.ts';
import { finishOf, type ItemOutcome, runItem } from './pool-worker-run.ts';

/** Without anything that wakes it, a worker looks this often, milliseconds. */
const FALLBACK_MS = 5_000;

/** The shortest pause between two looks of which the first found nothing, milliseconds. */
const SHORTEST_MS = 20;

/** How long it waits after the store has failed, milliseconds: first, and at most. */
const STORE_PAUSE_MS = [500, 30_000] as const;

/** How long all executions must have waited for slots before one of them makes way, and how soon its item can be claimed again, milliseconds. */
const MAKE_WAY_MS = { after: 1_000, back: 5_000 } as const;

/** An attempt that has ended and of which the pool is still to be told. */
interface Ended {
  readonly finish: Finish;
  readonly running: RunningItem;
}

/**
 * Works on the items of a pool: claims, runs its machine once per item, and stores what that came to. The execution of an item has an id derived from
 * pool and item, so whoever claims the item after a worker died goes on with it, and a completed one runs no more. Any number of workers share a pool.
 */
export class PoolWorker {
  readonly id: string;
  /** What it has done so far. */
  readonly counts: PoolWorkerCounts = { done: 0, failed: 0, poisoned: 0, given_back: 0, lost: 0 };
  readonly #options: PoolWorkerOptions;
  readonly #pool: WorkPool;
  readonly #concurrency: number;
  readonly #lease: number;
  readonly #keeper: ClaimKeeper;
  readonly #heartbeat: WorkerHeartbeat;
  readonly #latch = new Latch();
  /** By claim: an item that was lost may be claimed again before its execution has stopped. */
  readonly #running = new Map<string, RunningItem>();
  readonly #gate: HostGate;
  #ended: Ended[] = [];
  #interrupted = false;

  constructor(options: PoolWorkerOptions) {
    const { machine, pool, concurrency = 1, lease = 60_000, runner } = options;
    const registration = registrationOf(options);
    this.id = registration.worker_id;
    this.#options = options;
    this.#pool = machine.backends.work.pool(pool);
    this.#concurrency = concurrency;
    this.#lease = lease;
    const onError = (error: Error) => this.#tell({ type: 'store', error, retryIn: lease / 3 });
    this.#keeper = new ClaimKeeper({ lease, onLost: (claim) => this.#lose(claim), onError });
    this.#heartbeat = new WorkerHeartbeat(machine.backends.registration, registration, onError);
    this.#gate = new HostGate(
      () => machine.checkHost({ runner }),
      (error, retryIn) => this.#tell({ type: 'host', error, retryIn }),
    );
  }

  /** How many items it works on now. */
  get running(): number {
    return this.#running.size;
  }

  /**
   * Works until it is stopped, or the pool is empty if that was asked for. A store that fails is reported and asked again; a host that cannot run the machine any more claims nothing until it can.
   * @param stop aborted = claim nothing more; what runs is waited for, as long as `drain` allows
   * @param interrupt aborted = what runs stops at its next safe point as well, and its items are given back, the claims not counted
   * @returns what it has done
   * @throws FlatMachineError what keeps this host from running the machine at all, see `FlatMachine.checkHost`; `backend` when it could not be registered; `invalid-id`, `usage`
   */
  async run(
    stop: AbortSignal = new AbortController().signal,
    interrupt: AbortSignal = new AbortController().signal,
  ): Promise<PoolWorkerCounts> {
    await this.#gate.check();
    await this.#heartbeat.register();
    this.#tell({ type: 'started', worker: this.id, pool: this.#pool.name });
    const unwatch = this.#pool.watch(this.#latch.open);
    let drainTimer: NodeJS.Timeout | undefined;
    const onError = (error: Error) => this.#tell({ type: 'store', error, retryIn: 0 });
    const onInterrupt = () => this.#interruptAll();
    const onStop = () => {
      const { drain = Number.POSITIVE_INFINITY } = this.#options;
      if (drain <= MAX_TIMER_MS) drainTimer ??= setTimeout(onInterrupt, drain);
      this.#latch.open();
    };
    stop.addEventListener('abort', onStop);
    interrupt.addEventListener('abort', onInterrupt);
    if (stop.aborted) onStop();
    if (interrupt.aborted) onInterrupt();
    try {
      await this.#work(stop);
    } finally {
      clearTimeout(drainTimer);
      stop.removeEventListener('abort', onStop);
      interrupt.removeEventListener('abort', onInterrupt);
      unwatch();
      this.#keeper.close();
      await this.#heartbeat.terminate().catch(onError);
    }
    return this.counts;
  }

  async #work(stop: AbortSignal): Promise<void> {
    let failures = 0;
    for (;;) {
      const stopping = stop.aborted || this.#interrupted;
      let wait: number | null;
      try {
        wait = await this.#look(stopping);
        failures = 0;
      } catch (thrown) {
        // What could not be told is told by the claims running out, once nobody wants to wait for the store any more.
        if (this.#interrupted && this.#running.size === 0) throw thrown;
        const [first, longest] = STORE_PAUSE_MS;
        wait = Math.min(longest, first * 2 ** failures++);
        this.#tell({ type: 'store', error: toError(thrown), retryIn: wait });
      }
      if (wait === null) return;
      await this.#latch.wait(wait);
    }
  }

  /** Tells the pool what has ended, takes what there is room for, and says how long nothing is to be done, milliseconds; null = no more. */
  async #look(stopping: boolean): Promise<number | null> {
    const ended = this.#ended;
    const room = stopping ? 0 : this.#concurrency - this.#running.size;
    const free = await this.#gate.admit(room, this.#running.size);
    const claimed = await this.#exchange(ended, free);
    this.#ended = this.#ended.filter((one) => !ended.includes(one));
    for (const item of claimed) void this.#serve(item);
    if (this.#ended.length > 0) return 0;
    if (stopping) return this.#running.size === 0 ? null : Number.POSITIVE_INFINITY;
    if (claimed.length === room) return this.#makeWay();
    if (claimed.length === free) return this.#gate.pause || Number.POSITIVE_INFINITY;
    if (this.#options.untilEmpty === true && this.#running.size === 0 && (await this.#isEmpty())) return null;
    const next = await this.#pool.nextChange();
    return Math.min(FALLBACK_MS, Math.max(SHORTEST_MS, next ?? FALLBACK_MS));
  }

  /**
   * An item that a dead worker had begun may hold the slot that all executions here wait for: then the one that has waited longest makes way for it.
   * @returns as {@link #look}
   */
  async #makeWay(): Promise<number> {
    const longest = longestWaiting(this.#running.values());
    if (longest === null) return Number.POSITIVE_INFINITY;
    if (longest.waited < MAKE_WAY_MS.after) return MAKE_WAY_MS.after - longest.waited;
    const [{ pending }, claimable] = await Promise.all([this.#pool.counts(), this.#pool.size()]);
    if (claimable <= pending) return FALLBACK_MS;
    longest.makeWay();
    return Number.POSITIVE_INFINITY;
  }

  async #isEmpty(): Promise<boolean> {
    const { pending, delayed, claimed } = await this.#pool.counts();
    return pending + delayed + claimed === 0;
  }

  async #exchange(ended: readonly Ended[], free: number): Promise<ClaimedItem[]> {
    if (ended.length === 0 && free === 0) return [];
    const finishes = ended.map(({ finish }) => finish);
    const { claimed, lost } = await this.#pool.exchange(finishes, this.id, free, { lease: this.#lease });
    for (const { finish, running } of ended) {
      this.#keeper.drop(this.#pool, finish.id);
      if (lost.includes(finish.id)) this.#reportLost(running);
      else this.#reportEnd(finish, running);
    }
    return claimed;
  }

  async #serve(item: ClaimedItem): Promise<void> {
    const executionId = itemExecutionId(this.#pool.name, item.id);
    const running = new RunningItem(item, executionId);
    this.#running.set(claimKey(item), running);
    this.#keeper.hold(this.#pool, item);
    this.#tell({ type: 'claimed', item: item.id, executionId, attempt: item.attempts });
    if (this.#interrupted) running.interrupt();
    const { machine, runner, onExecutionEvent } = this.#options;
    const { signal } = running;
    const onEvent = (event: ExecutionEvent) => {
      if (running.note(event)) this.#latch.open();
      onExecutionEvent?.(event);
    };
    const outcome = await runItem(machine, item, { executionId, runner, signal, onEvent });
    if (outcome.kind === 'failed' && outcome.host === true) this.#gate.failed(new Error(outcome.error));
    else if (outcome.kind !== 'given_back') this.#gate.worked();
    if (running.lost) this.#reportLost(running);
    else if (outcome.kind === 'given_back') await this.#giveBack(running, outcome);
    else this.#ended.push({ finish: finishOf(item, outcome), running });
    this.#running.delete(claimKey(item));
    this.#latch.open();
  }

  async #giveBack(
    running: RunningItem,
    outcome: Extract<ItemOutcome, { kind: 'given_back' }>,
  ): Promise<void> {
    const makesWay = running.madeWay && outcome.reason === 'interrupted' && !this.#interrupted;
    const { reason, delay } = makesWay ? { reason: 'slot' as const, delay: MAKE_WAY_MS.back } : outcome;
    const { item, executionId } = running;
    const { id, claim_token } = item;
    this.#keeper.drop(this.#pool, id);
    try {
      await this.#pool.release(id, { claim_token, delay });
    } catch (thrown) {
      if (isFlatMachineError(thrown, 'lease-lost', 'not-found')) this.#reportLost(running);
      // Its claim runs out by itself.
      else this.#tell({ type: 'store', error: toError(thrown), retryIn: this.#lease });
      return;
    }
    this.counts.given_back++;
    this.#tell({ type: 'given_back', item: id, executionId, reason, retryIn: delay });
  }

  /** The claim of an item is gone: its execution stops at the next safe point, and the item is left to whoever has it. */
  #lose(claim: Claim): void {
    const running = this.#running.get(claimKey(claim));
    if (running === undefined) return;
    running.lost = true;
    running.interrupt();
  }

  #interruptAll(): void {
    this.#interrupted = true;
    for (const running of this.#running.values()) running.interrupt();
    this.#latch.open();
  }

  #reportEnd(finish: Finish, { item, executionId }: RunningItem): void {
    if (finish.status === 'done') {
      this.counts.done++;
      this.#tell({ type: 'done', item: item.id, executionId });
      return;
    }
    const { error = '', poison = false } = finish;
    const poisoned = poison || item.attempts >= item.max_retries;
    this.counts.failed++;
    if (poisoned) this.counts.poisoned++;
    this.#tell({ type: 'failed', item: item.id, executionId, error, poisoned });
  }

  #reportLost({ item, executionId }: RunningItem): void {
    this.counts.lost++;
    this.#tell({ type: 'lost', item: item.id, executionId });
  }

  #tell(event: PoolWorkerEvent): void {
    this.#options.onEvent?.(event);
  }
}
