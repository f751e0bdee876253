import { randomUUID } from 'node:crypto';
import type { Fence } from '../interfaces.ts';
import type { LeaseStore } from '../leases.ts';
import { isDead, type ProcessIdentity, thisProcess } from '../process-identity.ts';
import type { Database } from './database.ts';
import { createGroupLane, type GroupLane } from './group-lane.ts';
import { inKeyOrder } from './key-order.ts';
import type { PostgresStore } from './store.ts';

/** A lease that is asked for. */
interface Take {
  key: string;
  /** Milliseconds. */
  ttl: number;
  nonce: string;
}

/** The token, or who has it. */
type Taken = { token: number } | { holder: string };

interface TakenRow {
  token: number | null;
  holder: string | null;
}

const TAKE = 'SELECT * FROM take_leases($1::text[], $2::uuid[], $3::double precision[], $4, $5::text[])';

/** The most leases of one transaction: each holds a lock of the server's lock table until it commits. */
const MOST = 64;

const ME = JSON.stringify(thisProcess);

/** The lane that requests for leases of this process take. */
function takeLane(database: Database): GroupLane<Take, Taken> {
  const ask = (members: readonly Take[], dead: readonly string[]) =>
    database.query<TakenRow>(
      'take_leases',
      TAKE,
      [
        members.map(({ key }) => key),
        members.map(({ nonce }) => nonce),
        members.map(({ ttl }) => ttl),
        ME,
        dead,
      ],
      'writes',
    );

  return createGroupLane({
    most: MOST,
    async commit(asked) {
      const { sorted: members, asAsked } = inKeyOrder(asked, ({ key }) => key);
      let rows = await ask(members, []);
      const dead = deadOnes(rows.flatMap(({ token, holder }) => (token === null && holder ? [holder] : [])));
      if (dead.length > 0) rows = await ask(members, dead);
      return asAsked(
        rows.map(({ token, holder }) => (token === null ? { holder: holder ?? '' } : { token })),
      );
    },
  });
}

/** Those of these holders that are seen to be dead: processes of this very boot of this host. Whether others live, their leases alone say. */
export function deadOnes(holders: readonly string[]): string[] {
  return [...new Set(holders)].filter((text) => {
    const holder = JSON.parse(text) as ProcessIdentity;
    return thisProcess.boot !== null && holder.boot === thisProcess.boot && isDead(holder);
  });
}

/**
 * Leases as rows, on the server's clock. A holder on this host whose process is seen to be dead holds nothing, whatever its row says. Heartbeats have a connection of
 * their own.
 */
export function createPostgresLeases(store: PostgresStore): LeaseStore {
  const columns = (leases: readonly Fence[]) => {
    const { sorted } = inKeyOrder(leases, ({ key }) => key);
    return [sorted.map(({ key }) => key), sorted.map(({ token }) => token)];
  };

  return {
    async take(key, ttl) {
      const taken = await store.write(takeLane, { key, ttl, nonce: randomUUID() }, key.length);
      return 'token' in taken ? taken.token : null;
    },

    async renew(leases, ttl) {
      const rows = await store.query<{ token: number }>(
        'renew_leases',
        'SELECT renew_leases($1::text[], $2::bigint[], $3) AS token',
        [...columns(leases), ttl],
        'beats',
      );
      const renewed = new Set(rows.map(({ token }) => token));
      return leases.map(({ token }) => renewed.has(token));
    },

    async give(leases) {
      await store.query('give_leases', 'SELECT give_leases($1::text[], $2::bigint[])', columns(leases));
      store.readyListeners.changed();
    },

    async holder(key) {
      const [row] = await store.query<{
        holder: string;
        token: number;
        acquired_at: Date;
        expires_in: number;
      }>(
        'holder',
        `SELECT holder, token, acquired_at, (1000 * extract(epoch FROM expires_at - clock_timestamp()))::double precision AS expires_in
         FROM leases WHERE key = $1`,
        [key],
      );
      if (!row) return null;
      const { pid, host } = JSON.parse(row.holder) as ProcessIdentity;
      return {
        owner: `${pid}@${host}`,
        token: row.token,
        acquired_at: row.acquired_at.toISOString(),
        expires_in: deadOnes([row.holder]).length > 0 ? 0 : row.expires_in,
      };
    },
  };
}
