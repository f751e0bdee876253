import type { WorkPool } from '../backends/interfaces.ts';
import type { ActionCall } from '../execution/interfaces.ts';
import { Latch } from '../execution/latch.ts';
import { sleep } from '../timers.ts';
import type { Clock, JsonObject } from '../types.ts';
import { batchOf } from './distributed-worker-batch.ts';
import type { WorkerFields } from './distributed-worker-fields.ts';
import type { WorkerSession } from './distributed-worker-session.ts';

/** Without anything that wakes it, it looks this often, milliseconds. */
const FALLBACK_MS = 5_000;

/** The shortest time between two looks, milliseconds. */
const PAUSE_MS = 500;

/** Each look is followed by a pause this many times as long: of a pool of a hundred thousand it must not be all that the store does. */
const PAUSE_FACTOR = 10;

/** Where a batch stands. */
interface Standing {
  done: number;
  running: number;
  failed: number;
}

/** `await_tasks`: waits until every item of the batch is done or given up, and tells how it goes. */
export async function awaitTasks(
  { environment }: WorkerSession,
  fields: WorkerFields,
  call: ActionCall,
): Promise<JsonObject> {
  const items = new Set(batchOf(fields).map(({ item }) => item));
  const pool = environment.backends.work.pool(fields.pool);
  const progress = new BatchProgress(items.size, environment.clock);
  const latch = new Latch();
  const unwatch = pool.watch(latch.open);
  call.signal.addEventListener('abort', latch.open);
  try {
    for (;;) {
      call.signal.throwIfAborted();
      const started = performance.now();
      const standing = await standingOf(pool, items);
      const event = progress.tell(standing);
      if (event !== null) call.emit(event);
      if (standing.done + standing.failed >= items.size)
        return { done: standing.done, failed: standing.failed };
      await sleep(Math.max(PAUSE_MS, PAUSE_FACTOR * (performance.now() - started)), call.signal);
      await latch.wait(FALLBACK_MS);
    }
  } finally {
    unwatch();
    call.signal.removeEventListener('abort', latch.open);
  }
}

/** Only what is not done is read: that becomes less and less. What is not in the pool any more counts as done; the results say so. */
async function standingOf(pool: WorkPool, items: ReadonlySet<string>): Promise<Standing> {
  const standing: Standing = { done: items.size, running: 0, failed: 0 };
  for (const { id, status } of await pool.items({ status: ['pending', 'claimed', 'poisoned'] })) {
    if (!items.has(id)) continue;
    standing.done--;
    if (status === 'claimed') standing.running++;
    else if (status === 'poisoned') standing.failed++;
  }
  return standing;
}

/** Makes events of where a batch stands, with its rate since this process began to wait. */
export class BatchProgress {
  readonly #total: number;
  readonly #clock: Clock;
  readonly #started: number;
  #first: number | null = null;
  #last = '';

  constructor(total: number, clock: Clock) {
    this.#total = total;
    this.#clock = clock;
    this.#started = clock.monotonic();
  }

  /** Null = nothing has changed. */
  tell(standing: Standing): Parameters<ActionCall['emit']>[0] | null {
    const { done, failed } = standing;
    const finished = done + failed;
    this.#first ??= finished;
    const key = JSON.stringify(standing);
    if (key === this.#last) return null;
    this.#last = key;
    const seconds = (this.#clock.monotonic() - this.#started) / 1000;
    const rate = seconds > 0 ? (finished - this.#first) / seconds : 0;
    const left = this.#total - finished;
    return {
      type: 'progress',
      ...standing,
      total: this.#total,
      rate: Number(rate.toPrecision(3)),
      ...(rate > 0 && left > 0 ? { eta_ms: Math.round((left / rate) * 1000) } : {}),
    };
  }
}
