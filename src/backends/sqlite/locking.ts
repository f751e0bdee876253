import { FlatMachineError } from '../../errors.ts';
import type { ExecutionLock, Lease } from '../interfaces.ts';
import type { SqliteStore } from './database.ts';
import { isDead, leaseClock, type ProcessIdentity, thisProcess } from './host.ts';

interface Held {
  lease: Lease;
  abort: AbortController;
  /** When it has run out unless renewed, on {@link leaseClock}. */
  expires: number;
}

interface LeaseRow {
  token: number;
  key: string;
  holder: string;
  expires: number;
  acquired_at: string;
}

/** Exclusive execution among all processes that use the file. */
export interface SqliteLocking extends ExecutionLock {
  /** Stops heartbeats and gives everything back: whoever closes its store is done with what it held. */
  close(): Promise<void>;
}

/**
 * Makes a lock object over a file.
 *
 * A lease is a row: no row, nobody holds it. Its token is the row's id, which is never used twice. It lives for two heartbeats. A
 * holder that was stopped and wakes sees by the clock that its lease is over before anything else; that its writes are
 * refused even so is the fence's doing, in the transaction of each write.
 *
 * @param heartbeat seconds between renewals
 */
export function createSqliteLocking(
  store: SqliteStore,
  heartbeat: number,
  onWarning: (message: string) => void,
): SqliteLocking {
  const { connection } = store;
  const ttl = 2 * heartbeat * 1000;
  const find = connection.prepare<[string], LeaseRow>('SELECT * FROM leases WHERE key = ?');
  const put = connection.prepare<[string, string, number, string]>(
    'INSERT OR REPLACE INTO leases (key, holder, expires, acquired_at) VALUES (?, ?, ?, ?)',
  );
  const renew = connection.prepare<[number, number]>('UPDATE leases SET expires = ? WHERE token = ?');
  const remove = connection.prepare<[number]>('DELETE FROM leases WHERE token = ?');
  const me = JSON.stringify(thisProcess);
  const held = new Map<string, Held>();
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
    if (leaseClock() < entry.expires) return entry;
    lose(entry, 'it was not renewed in time');
    return null;
  }

  async function beat(): Promise<void> {
    const entries = [...held.keys()].map(current).filter((entry) => entry !== null);
    if (held.size === 0) stopTimer();
    if (entries.length === 0) return;
    const expires = leaseClock() + ttl;
    const renewed = await store.write(() =>
      entries.map((entry) => renew.run(expires, entry.lease.token).changes),
    );
    entries.forEach((entry, i) => {
      if (renewed[i] === 1) entry.expires = expires;
      else if (held.get(entry.lease.key) === entry) lose(entry, 'another process has taken over');
    });
  }

  function startTimer(): void {
    if (timer) return;
    timer = setInterval(() => {
      beat().catch((error: Error) => onWarning(`leases could not be renewed: ${error.message}`));
    }, heartbeat * 1000);
    timer.unref();
  }

  function stopTimer(): void {
    if (timer) clearInterval(timer);
    timer = null;
  }

  return {
    async acquire(key) {
      if (current(key)) return false;
      const expires = leaseClock() + ttl;
      const token = await store.write(() => {
        const row = find.get(key);
        if (row && isLive(row)) return null;
        return Number(put.run(key, me, expires, new Date().toISOString()).lastInsertRowid);
      });
      if (token === null) return false;
      const abort = new AbortController();
      held.set(key, { lease: { key, token, signal: abort.signal }, abort, expires });
      startTimer();
      return true;
    },

    async release(key) {
      const entry = held.get(key);
      if (!entry) return;
      held.delete(key);
      if (held.size === 0) stopTimer();
      await store.write(() => remove.run(entry.lease.token));
      store.readyListeners.changed();
    },

    lease: (key) => current(key)?.lease ?? null,

    async holder(key) {
      const row = store.read(() => find.get(key));
      if (!row) return null;
      const holder = JSON.parse(row.holder) as ProcessIdentity;
      return {
        owner: `${holder.pid}@${holder.host}`,
        token: row.token,
        acquired_at: row.acquired_at,
        expires_in: isDead(holder) ? 0 : row.expires - leaseClock(),
      };
    },

    async close() {
      stopTimer();
      const entries = [...held.values()];
      for (const entry of entries) lose(entry, 'the store was closed');
      if (entries.length > 0) await store.write(() => entries.map((entry) => remove.run(entry.lease.token)));
    },
  };
}

function isLive(row: LeaseRow): boolean {
  return row.expires > leaseClock() && !isDead(JSON.parse(row.holder) as ProcessIdentity);
}
