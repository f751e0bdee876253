import { FlatMachineError, toError } from '../errors.ts';
import { systemClock } from '../types.ts';
import { storeClosed } from './failures.ts';
import type { ExecutionLock, Fence, Lease, LeaseHolder } from './interfaces.ts';

/** Where leases are recorded, among all processes that share it. */
export interface LeaseStore {
  /**
   * Records a lease of `ttl` milliseconds, unless somebody alive holds one.
   * @returns its token, greater than every one this key has had; null when it is taken
   */
  take(key: string, ttl: number): Promise<number | null>;
  /** Prolongs leases to `ttl` milliseconds from now. @returns for each whether it is still the newest of its key */
  renew(leases: readonly Fence[], ttl: number): Promise<boolean[]>;
  /** Removes leases that are still the newest of their keys. */
  give(leases: readonly Fence[]): Promise<void>;
  holder(key: string): Promise<LeaseHolder | null>;
}

/** A lock object that can be closed. */
export interface ClosableLock extends ExecutionLock {
  /** Stops heartbeats and gives everything back: whoever closes its store is done with what it held. */
  close(): Promise<void>;
}

interface Held {
  lease: Lease;
  abort: AbortController;
  /** When it has run out unless renewed, on the monotonic clock. */
  expires: number;
}

/** How often a beat that failed is tried again before the next would be due. */
const RETRIES_PER_BEAT = 4;

/**
 * Makes a lock object: it holds leases, renews them in the background and tells whoever lost one. A lease lives for two heartbeats, counted from before the
 * store was asked, so that this side never believes longer than the other. A holder that was stopped and wakes sees by the clock that its lease is over
 * before anything else; that its writes are refused even so is the fence's doing.
 *
 * @param heartbeat seconds between renewals
 */
export function createLeases(
  store: LeaseStore,
  heartbeat: number,
  onWarning: (message: string) => void,
): ClosableLock {
  const ttl = 2 * heartbeat * 1000;
  const now = systemClock.monotonic;
  const held = new Map<string, Held>();
  const taking = new Set<Promise<boolean>>();
  let closed = false;
  let timer: NodeJS.Timeout | null = null;

  function lose(entry: Held, why: string): void {
    const { key, token, signal } = entry.lease;
    if (held.get(key) === entry) held.delete(key);
    if (signal.aborted) return;
    entry.abort.abort(
      new FlatMachineError('lease-lost', `the lease of ${key} is lost: ${why}`, { details: { key, token } }),
    );
  }

  /** The entry, unless its time is over. */
  function current(key: string): Held | null {
    const entry = held.get(key);
    if (!entry) return null;
    if (now() < entry.expires) return entry;
    lose(entry, 'it was not renewed in time');
    return null;
  }

  async function beat(): Promise<void> {
    const entries = [...held.keys()].map(current).filter((entry) => entry !== null);
    if (held.size === 0) stopTimer();
    if (entries.length === 0) return;
    const expires = now() + ttl;
    const renewed = await store.renew(
      entries.map((entry) => entry.lease),
      ttl,
    );
    entries.forEach((entry, i) => {
      if (renewed[i]) entry.expires = expires;
      else if (held.get(entry.lease.key) === entry) lose(entry, 'another process has taken over');
    });
  }

  function startTimer(): void {
    timer ??= setTimeout(tick, heartbeat * 1000).unref();
  }

  /** A beat that failed is tried again soon: the one after it would come just when the leases run out. */
  async function tick(): Promise<void> {
    const mine = timer;
    let next = heartbeat * 1000;
    try {
      await beat();
    } catch (error) {
      onWarning(`leases could not be renewed: ${toError(error).message}`);
      next /= RETRIES_PER_BEAT;
    }
    if (timer !== null && timer === mine) timer = setTimeout(tick, next).unref();
  }

  function stopTimer(): void {
    if (timer) clearTimeout(timer);
    timer = null;
  }

  async function take(key: string): Promise<boolean> {
    const expires = now() + ttl;
    const token = await store.take(key, ttl);
    if (token === null) return false;
    if (closed) {
      await store.give([{ key, token }]);
      throw storeClosed();
    }
    const abort = new AbortController();
    held.set(key, { lease: { key, token, signal: abort.signal }, abort, expires });
    startTimer();
    return true;
  }

  return {
    async acquire(key) {
      if (closed) throw storeClosed();
      if (current(key)) return false;
      const taken = take(key);
      taking.add(taken);
      try {
        return await taken;
      } finally {
        taking.delete(taken);
      }
    },

    async release(key) {
      const entry = held.get(key);
      if (!entry) return;
      held.delete(key);
      if (held.size === 0) stopTimer();
      await store.give([entry.lease]);
    },

    lease: (key) => current(key)?.lease ?? null,
    holder: (key) => store.holder(key),

    async close() {
      closed = true;
      stopTimer();
      const entries = [...held.values()];
      for (const entry of entries) lose(entry, 'the store was closed');
      const given = entries.length === 0 ? null : store.give(entries.map((entry) => entry.lease));
      await Promise.all([given, Promise.allSettled(taking)]);
    },
  };
}
