import type { JsonValue } from '../../types.ts';

/**
 * Where an item stands. `pending`: to be claimed, now or once its delay is over. `claimed`: somebody works on it, under a lease. `done`: its result is stored.
 * `poisoned`: it used up its attempts and is left alone until somebody requeues it.
 */
export type WorkStatus = 'pending' | 'claimed' | 'done' | 'poisoned';

/** How an item is pushed. */
export interface PushOptions {
  /** Claims it may have in all before it is poisoned; 1 or more. Default 3. */
  max_retries?: number;
  /** Milliseconds until it can be claimed for the first time. Default 0. */
  delay?: number;
  /** Higher is claimed first; a safe integer. Default 0. */
  priority?: number;
  /** While an item pushed with this key is kept in the pool, whatever its status, another is not stored: its id is returned. 1–500 characters. */
  dedupe?: string;
}

/** An item of a pool. */
export interface WorkItem {
  /** Sorts as text in the order of pushing, per pool. */
  id: string;
  data: JsonValue;
  status: WorkStatus;
  priority: number;
  dedupe: string | null;
  /** Claims so far, this one included. A claim that was {@link WorkPool.release}d does not count. */
  attempts: number;
  max_retries: number;
  /** ISO 8601 UTC, the store's clock. */
  pushed_at: string;
  /** From when on it can be claimed, while it is `pending`; ISO 8601 UTC. */
  claimable_at: string;
  /** Who has claimed it, or had when it was finished; null while it is `pending`. */
  claimed_by: string | null;
  /** When; ISO 8601 UTC. */
  claimed_at: string | null;
  /** When its claim runs out unless renewed; ISO 8601 UTC, null unless `claimed`. */
  lease_until: string | null;
  /** When it became `done` or `poisoned`. */
  finished_at: string | null;
  /** What its last attempt failed with: as given to `fail` (its first 65,536 characters), or why it was put back. Null when it did not fail. */
  error: string | null;
  /** What it was completed with; null until then. */
  result: JsonValue;
}

/** Proof of a claim. */
export interface Claim {
  id: string;
  claim_token: string;
}

/** A claimed item with the proof. */
export interface ClaimedItem extends WorkItem, Claim {
  status: 'claimed';
}

/** How items are claimed. */
export interface ClaimOptions {
  /** Milliseconds until the claim runs out unless it is renewed. Default 60,000. */
  lease?: number;
  /** The token of every item it gets, 1–200 characters, unlike any other claim's: asking again with it, after a crash too, gives the same items while they are claimed with it. Default: a new one. */
  claim_token?: string;
}

/** The end of one attempt. Without `claim_token`: the one with which this backend object claimed the item last. */
export type Finish =
  | { id: string; claim_token?: string; status: 'done'; result?: JsonValue }
  /** `delay`: milliseconds until it can be claimed again, default 0. `poison`: no more attempts, whatever is left. */
  | { id: string; claim_token?: string; status: 'failed'; error?: string; delay?: number; poison?: boolean };

/** How many items stand where. */
export interface WorkCounts {
  /** Claimable now. */
  pending: number;
  /** Pending, but not before their time. */
  delayed: number;
  /** Those whose lease has run out but whom nobody has claimed again are still among them. */
  claimed: number;
  done: number;
  poisoned: number;
}

/** Which items are listed, in the order of their ids. */
export interface WorkFilter {
  status?: readonly WorkStatus[];
  /** Only items after this id; empty = from the first. */
  after?: string;
  /** At most so many. Default: all. */
  limit?: number;
}

/**
 * A named pool of items, worked on by many processes. Every call is atomic, and durable when its promise resolves.
 *
 * A claim is a lease with a token: whoever lets it run out, or is reaped, has lost the item, and what it says about it afterwards is refused. The lost
 * attempt counts, so that an item that kills its workers ends `poisoned`. Ids of workers are 1–200 characters, as ids of executions are.
 */
export interface WorkPool {
  readonly name: string;
  /**
   * Adds an item.
   * @returns its id
   * @throws FlatMachineError `not-json`, `too-large` above 16 Mi characters of JSON, `usage` for options out of range
   */
  push(item: JsonValue, options?: PushOptions): Promise<string>;
  /** Adds several in one write, in this order. @returns their ids */
  pushMany(items: readonly { data: JsonValue; options?: PushOptions }[]): Promise<string[]>;
  /** Takes the next item: highest priority first, then the oldest. Null when none can be claimed now. */
  claim(workerId: string, options?: ClaimOptions): Promise<ClaimedItem | null>;
  /** Takes up to `count`, in one write. */
  claimMany(workerId: string, count: number, options?: ClaimOptions): Promise<ClaimedItem[]>;
  /**
   * Makes an item `done`. Once it is, the same claim may say so again. Without `claim_token`: the one with which this backend object claimed the item last.
   * @throws FlatMachineError `lease-lost` when the claim is not this one's any more, `not-found` when the item is gone
   */
  complete(itemId: string, result?: JsonValue, claim?: { claim_token?: string }): Promise<void>;
  /** Ends an attempt: the item becomes `pending` again, or `poisoned` once it had its `max_retries`. @throws as {@link complete} */
  fail(
    itemId: string,
    error?: string,
    options?: { claim_token?: string; delay?: number; poison?: boolean },
  ): Promise<void>;
  /**
   * Finishes items and claims up to `count` new ones in one write: what a busy worker does all day. A refused finish changes nothing about the others nor the claims.
   * @returns the claimed items, and the ids of those whose finish was refused because the claim was lost
   */
  exchange(
    finished: readonly Finish[],
    workerId: string,
    count: number,
    options?: ClaimOptions,
  ): Promise<{ claimed: ClaimedItem[]; lost: string[] }>;
  /** Prolongs claims to `lease` milliseconds from now. @returns for each whether it is still held */
  renew(claims: readonly Claim[], lease?: number): Promise<boolean[]>;
  /**
   * Gives an item back unharmed: the claim does not count as an attempt.
   * @param options.delay milliseconds until it can be claimed again, default 0
   * @throws as {@link complete}
   */
  release(itemId: string, options?: { claim_token?: string; delay?: number }): Promise<void>;
  /** Claimable now, expired leases included. */
  size(): Promise<number>;
  counts(): Promise<WorkCounts>;
  item(itemId: string): Promise<WorkItem | null>;
  items(filter?: WorkFilter): Promise<WorkItem[]>;
  /**
   * Puts back what this worker has claimed, in this pool; attempts count. @returns how many
   */
  releaseByWorker(workerId: string): Promise<number>;
  /** Makes poisoned items `pending`, claimable at once, with all their attempts before them. Absent = every poisoned one. @returns how many */
  requeue(itemIds?: readonly string[]): Promise<number>;
  /** Removes items that nobody has claimed. @returns how many */
  remove(itemIds: readonly string[]): Promise<number>;
  /** Calls `listener` soon after items may have become claimable or have finished, by this process or another; never for nothing for long. Not told: that a delay or a lease has run out, see {@link nextChange}, nor that others have claimed: whoever waits for {@link nextChange} asks for it again every few seconds. Keeps no process alive. Returns what stops it. */
  watch(listener: () => void): () => void;
  /** Milliseconds until the next delay or lease runs out, 0 when one has already, null when there is none. */
  nextChange(): Promise<number | null>;
}

/** Work distribution via named pools. Names are 1–200 characters, as ids of executions are. */
export interface WorkBackend {
  /** The pool of this name; it exists as soon as something is in it. @throws FlatMachineError `invalid-id` */
  pool(name: string): WorkPool;
  /** Names of the pools with anything in them, sorted. */
  pools(): Promise<string[]>;
}
