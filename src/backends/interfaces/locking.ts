/** Proof of the right to write: the lease's key and its fencing token. */
export interface Fence {
  key: string;
  token: number;
}

/** A lease held by this process. */
export interface Lease extends Fence {
  /** Aborts, with a `LeaseLostError` as reason, once the lease is known to be lost. */
  readonly signal: AbortSignal;
}

/** Who holds a lease. */
export interface LeaseHolder {
  /** `pid@host` and what else helps a person find it. */
  owner: string;
  token: number;
  /** ISO 8601 UTC, wall clock: for people, not for decisions. */
  acquired_at: string;
  /** Milliseconds until it runs out unless renewed; 0 or less = claimable. */
  expires_in: number;
}

/**
 * Exclusive execution of one key (an execution id) by lease and heartbeat.
 *
 * A holder's lease is renewed in the background until release; a holder that died or froze loses it when
 * it runs out, at once where the store can see that its process is dead (same host). Tokens of one key only grow, across releases
 * too. Two runs in one process exclude each other.
 */
export interface ExecutionLock {
  /** Non-blocking. True = this lock object now holds `key`; false = somebody else, or this object already, does. */
  acquire(key: string): Promise<boolean>;
  /** Gives `key` back. Safe when it is not held. */
  release(key: string): Promise<void>;
  /** The lease this lock object holds under `key`, or null. */
  lease(key: string): Lease | null;
  /** Who holds `key` now, or null. */
  holder(key: string): Promise<LeaseHolder | null>;
}
