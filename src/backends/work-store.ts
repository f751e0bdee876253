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

/** What became of a {@link StoredFinish}: `lost` = the claim is not this one's, `absent` = there is no such item. */
export type FinishOutcome = 'ok' | 'lost' | 'absent';

/** A claim to be made. */
export interface NewClaim {
  worker_id: string;
  count: number;
  /** Milliseconds. */
  lease: number;
  /** Drawn by the caller for this one call, and the token of every item it gets: asking again with it gives the same items. */
  claim_token: string;
}

/**
 * What a technology does for work pools. Checking, JSON, tokens and errors are `createWorkBackend`'s, the same for all. Everything is atomic, durable
 * when it resolves, and **may be asked again** after a connection broke without knowing whether it was done: the second time changes nothing more.
 * Time is the store's.
 */
export interface WorkStore {
  /** @returns the items' ids, in this order */
  push(pool: string, items: readonly NewItem[]): Promise<string[]>;
  /**
   * First the finishes, in order, then the claim. An item whose lease has run out is put back before it is claimed again: to `pending`, or to `poisoned` when it
   * had its attempts. A finish with the token that ended the item's last attempt is `ok` and changes nothing.
   */
  exchange(
    pool: string,
    finishes: readonly StoredFinish[],
    claim: NewClaim | null,
  ): Promise<{ outcomes: FinishOutcome[]; claimed: ClaimedItem[] }>;
  renew(
    pool: string,
    claims: readonly { id: string; claim_token: string }[],
    lease: number,
  ): Promise<boolean[]>;
  counts(pool: string): Promise<WorkCounts>;
  /** @param ids only these, absent = all */
  items(pool: string, filter: WorkFilter & { ids?: readonly string[] }): Promise<WorkItem[]>;
  releaseByWorker(pool: string, workerId: string): Promise<number>;
  requeue(pool: string, ids: readonly string[] | null): Promise<number>;
  remove(pool: string, ids: readonly string[]): Promise<number>;
  pools(): Promise<string[]>;
  /** Tells of changes in this pool, see `WorkPool.watch`. */
  watch(pool: string, listener: () => void): () => void;
  nextChange(pool: string): Promise<number | null>;
}
