import type { Fence } from '../interfaces.ts';
import type { LeaseStore } from '../leases.ts';
import { isDead, leaseClock, type ProcessIdentity, thisProcess } from '../process-identity.ts';
import type { SqliteStore } from './database.ts';

interface LeaseRow {
  token: number;
  key: string;
  holder: string;
  expires: number;
  acquired_at: string;
}

/**
 * Leases as rows of a file, shared by all processes that use it: no row, nobody holds it. A token is the row's id, which is never used twice. A holder
 * whose process is seen to be dead holds nothing, whatever its row says.
 */
export function createSqliteLeases(store: SqliteStore): LeaseStore {
  const { connection } = store;
  const find = connection.prepare<[string], LeaseRow>('SELECT * FROM leases WHERE key = ?');
  const put = connection.prepare<[string, string, number, string]>(
    'INSERT OR REPLACE INTO leases (key, holder, expires, acquired_at) VALUES (?, ?, ?, ?)',
  );
  const renew = connection.prepare<[number, number]>('UPDATE leases SET expires = ? WHERE token = ?');
  const remove = connection.prepare<[number]>('DELETE FROM leases WHERE token = ?');
  const me = JSON.stringify(thisProcess);

  return {
    take(key, ttl) {
      const expires = leaseClock() + ttl;
      return store.write(() => {
        const row = find.get(key);
        if (row && isLive(row)) return null;
        return Number(put.run(key, me, expires, new Date().toISOString()).lastInsertRowid);
      });
    },

    renew(leases: readonly Fence[], ttl) {
      const expires = leaseClock() + ttl;
      return store.write(() => leases.map(({ token }) => renew.run(expires, token).changes === 1));
    },

    async give(leases) {
      await store.write(() => leases.map(({ token }) => remove.run(token)));
      store.readyListeners.changed();
    },

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
  };
}

function isLive(row: LeaseRow): boolean {
  return row.expires > leaseClock() && !isDead(JSON.parse(row.holder) as ProcessIdentity);
}
