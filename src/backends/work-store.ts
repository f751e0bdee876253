import type { ClaimedItem, WorkCounts, WorkFilter, WorkItem } from './interfaces.ts';

/** An item to be stored. */
export interface NewItem {
  /** Drawn by the caller: pushing the same one again, after a connection broke, stores nothing and gives the same id. */
  nonce: string;
  /** JSON. */
  data: string;
  max_retries: number;
  delay: number;
  priority: number;
  dedupe: string | null;
}

/** The end of an attempt, all told. `released` undoes the claim: it does not count as an attempt. */
export interface StoredFinish {
  id: string;
  claim_token: string;
  status: 'done' | 'failed' | 'released';
  /** JSON, with `done`. */
  result: string | null;
  /** With `failed`. */
  error: string | null;
  delay: number;
  poison: boolean;
}

/** {@link WorkCounts} as a store knows them. */
export interface StoredCounts extends WorkCounts {
  /** Of the claimed ones, those whose lease has run out and that have attempts left: with the pending ones, what `size()` counts. */
  reclaimable: number;
}

/** What became of a {@link StoredFinish}: `lost` = the claim is not this one's, `absent` = there is no such item. */
export type FinishOutcome = 'ok' | 'lost' | 'absent';

/** A claim to be made. */
export interface NewClaim {
  worker_id: string;
  count: number;
  /** Milliseconds. */
  lease: number;
  /** The token of every item it gets: asking again with it gives the same items, while they are claimed with it. */
  claim_token: string;
  /** Whether the token was drawn for this one call: then only a store that asks again by itself has to look for items that have it already. */
  fresh: boolean;
}

/**
 * What a technology does for work pools. Checking, JSON, tokens and errors are `createWorkBackend`'s, the same for all. Everything is atomic, durable
 * when it resolves, and **may be asked again** after a connection broke without knowing whether it was done: the second time changes nothing more. (A store
 * inside of the process has no such doubts: it may ignore nonces, and look for the items of a `fresh` claim no further.) Time is the store's. Names and ids are checked already.
 */
export interface WorkStore {
  /** @returns the items' ids, in this order */
  push(pool: string, items: readonly NewItem[]): Promise<string[]>;
  /**
   * First the finishes, in order, then the claim. An item whose lease has run out is put back before it is claimed again: to `pending`, or to `poisoned` when it
   * had its attempts. A finish is `lost` once the lease has run out, even if nobody has claimed the item since. The finish that ended the item's last attempt,
   * told again (same token, same status), is `ok` and changes nothing; with another status it is `lost`.
   *
   * `done` clears `error`; `released` leaves it. An item that is `done` or `poisoned` keeps `claimed_by` and `claimed_at`; one that is `pending` again has neither.
   */
  exchange(
    pool: string,
    finishes: readonly StoredFinish[],
    claim: NewClaim | null,
  ): Promise<{ outcomes: FinishOutcome[]; claimed: ClaimedItem[] }>;
  /** Whose lease has run out is not held any more, even if nobody has claimed it since. */
  renew(
    pool: string,
    claims: readonly { id: string; claim_token: string }[],
    lease: number,
  ): Promise<boolean[]>;
  counts(pool: string): Promise<StoredCounts>;
  /** @param ids only these, absent = all */
  items(pool: string, filter: WorkFilter & { ids?: readonly string[] }): Promise<WorkItem[]>;
  /** Also those whose lease has run out. Their `error` names the worker, as it does where a lease has run out. */
  releaseByWorker(pool: string, workerId: string): Promise<number>;
  /** `attempts` is 0 again, `error` stays, it can be claimed at once. */
  requeue(pool: string, ids: readonly string[] | null): Promise<number>;
  remove(pool: string, ids: readonly string[]): Promise<number>;
  pools(): Promise<string[]>;
  /** Tells of changes in this pool, see `WorkPool.watch`. */
  watch(pool: string, listener: () => void): () => void;
  nextChange(pool: string): Promise<number | null>;
}
