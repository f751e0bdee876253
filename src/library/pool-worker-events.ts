/** What of a {@link PoolWorkerEvent} concerns one item. */
interface OfItem {
  /** The item's id. */
  item: string;
  executionId: string;
}

/** Why an item was given back, its claim not counted. `waiting`: its execution waits for a signal. `interrupted`: the worker ends. `busy`: somebody else runs its execution. `store`: the store failed in the middle. `slot`: it waited for a
 * slot, and makes way for an item that a dead worker had begun and that may hold one. */
export type GivenBackReason = 'waiting' | 'interrupted' | 'busy' | 'store' | 'slot';

/** What a {@link PoolWorker} tells. */
export type PoolWorkerEvent =
  | { type: 'started'; worker: string; pool: string }
  | ({ type: 'claimed'; attempt: number } & OfItem)
  | ({ type: 'done' } & OfItem)
  /** An attempt has failed. `poisoned`: it was the last. */
  | ({ type: 'failed'; error: string; poisoned: boolean } & OfItem)
  /** `retryIn`: milliseconds until it can be claimed again. */
  | ({ type: 'given_back'; reason: GivenBackReason; retryIn: number } & OfItem)
  /** The claim ran out or was taken away: what the attempt came to was dropped. */
  | ({ type: 'lost' } & OfItem)
  /** This host cannot run the machine now: nothing is claimed for `retryIn` milliseconds. */
  | { type: 'host'; error: Error; retryIn: number }
  /** The store could not be asked. `retryIn`: milliseconds. */
  | { type: 'store'; error: Error; retryIn: number };

/** What a worker has done. */
export interface PoolWorkerCounts {
  /** Items that were completed. */
  done: number;
  /** Attempts that failed. */
  failed: number;
  /** Items whose last attempt that was. */
  poisoned: number;
  /** Items that were given back. */
  given_back: number;
  /** Claims that were lost. */
  lost: number;
}
