import type { ClaimedItem } from '../interfaces.ts';
import { leaseClock, thisProcess } from '../process-identity.ts';
import { formatItemId } from '../work-id.ts';
import { reapedError } from '../work-rules.ts';
import type { FinishOutcome, WorkStore } from '../work-store.ts';
import type { SqliteStore } from './database.ts';
import { createItemList } from './item-list.ts';
import { createItemMoves, MAX_DUE } from './item-moves.ts';
import { timesNow } from './item-rows.ts';
import { createPoolWatch, poolChanged } from './pool-watch.ts';

/** Stands in `lease_boot` where the boot cannot be told; the clock of leases is the wall clock then. */
const NO_BOOT = '';

/** What an exchange has done. */
interface Exchanged {
  outcomes: FinishOutcome[];
  claimed: ClaimedItem[];
  /** How many items were moved because their time had come. */
  settled: number;
}

/** Items that can be closed. */
export interface SqliteWork extends WorkStore {
  /** Ends everybody's watching. */
  close(): void;
}

/** Items in SQLite: a row each. Every call that writes is one transaction, shared with others of the same turn of the event loop. */
export function createSqliteWork(store: SqliteStore): SqliteWork {
  const { connection } = store;
  const moves = createItemMoves(connection);
  const list = createItemList(store);
  const watching = createPoolWatch(store, () => {
    if (!bootChecked) checkBoot();
  });
  const findPool = connection.prepare<[string], number>('SELECT id FROM pools WHERE name = ?').pluck();
  const addPool = connection.prepare<[string]>('INSERT INTO pools (name) VALUES (?)');
  const count = connection.prepare<[number, number]>(
    'UPDATE pools SET changes = changes + 1 WHERE id = ? AND watched > ?',
  );
  const clearWatches = connection.prepare('UPDATE pools SET watched = 0');
  const findBoot = connection.prepare<[], string>('SELECT boot FROM lease_boot').pluck();
  const clearBoot = connection.prepare('DELETE FROM lease_boot');
  const addBoot = connection.prepare<[string]>('INSERT INTO lease_boot (boot) VALUES (?)');
  const expireAll = connection.prepare(
    "UPDATE items SET rank = 0 WHERE pool IN (SELECT id FROM pools) AND state = 'claimed'",
  );
  /** Filled after commits only: the id of a pool whose making was rolled back may become another's. */
  const poolIds = new Map<string, number>();
  let bootChecked = false;

  /** Claims from before the machine was booted, whose leases run on a clock that has begun anew, are over. */
  function checkBoot(): void {
    const boot = thisProcess.boot ?? NO_BOOT;
    if (findBoot.get() === boot) return;
    expireAll.run();
    clearWatches.run();
    clearBoot.run();
    addBoot.run(boot);
  }

  /**
   * Runs a write about an existing pool.
   * @param none the answer where there is no such pool
   * @param changes whether something has happened that others watch for, by the answer
   */
  async function within<T>(
    name: string,
    none: T,
    work: (pool: number) => T,
    changes: (answer: T) => boolean,
  ): Promise<T> {
    let changed = false;
    let pool: number | undefined;
    const answer = await store.write(() => {
      changed = false;
      if (!bootChecked) checkBoot();
      pool = poolIds.get(name) ?? findPool.get(name);
      if (pool === undefined) return none;
      const answer = work(pool);
      changed = changes(answer);
      if (changed) count.run(pool, leaseClock());
      return answer;
    });
    bootChecked = true;
    if (pool !== undefined) poolIds.set(name, pool);
    if (changed) poolChanged(store, name);
    return answer;
  }

  return {
    async push(name, items) {
      const { pool, ids } = await store.write(() => {
        const times = timesNow();
        const pool = poolIds.get(name) ?? findPool.get(name) ?? Number(addPool.run(name).lastInsertRowid);
        const ids = items.map((item) => moves.push(pool, item, times));
        count.run(pool, leaseClock());
        return { pool, ids };
      });
      poolIds.set(name, pool);
      poolChanged(store, name);
      return ids.map(formatItemId);
    },

    exchange(name, finishes, claim) {
      const none: Exchanged = { outcomes: finishes.map(() => 'absent'), claimed: [], settled: 0 };
      const exchange = (pool: number): Exchanged => {
        const times = timesNow();
        const outcomes = finishes.map((finish) => moves.finish(pool, finish, times));
        let claimed: ClaimedItem[] = [];
        let settled = 0;
        for (let more = true; claim && more && claimed.length === 0; ) {
          const moved = moves.settleDue(pool, times);
          more = moved >= MAX_DUE;
          settled += moved;
          claimed = moves.claim(pool, claim, times);
        }
        return { outcomes, claimed, settled };
      };
      const changes = ({ outcomes, settled }: Exchanged) => settled > 0 || outcomes.includes('ok');
      return within(name, none, exchange, changes);
    },

    renew(name, claims, lease) {
      const none = claims.map(() => false);
      const renew = (pool: number) => {
        const times = timesNow();
        return claims.map(({ id, claim_token }) => moves.renew(pool, id, claim_token, lease, times));
      };
      return within(name, none, renew, () => false);
    },

    releaseByWorker(name, worker) {
      const reap = (pool: number) => moves.reap(pool, worker, reapedError(worker), timesNow());
      return within(name, 0, reap, (reaped) => reaped > 0);
    },

    requeue(name, ids) {
      return within(
        name,
        0,
        (pool) => moves.requeue(pool, ids, timesNow()),
        (requeued) => requeued > 0,
      );
    },

    remove(name, ids) {
      return within(
        name,
        0,
        (pool) => moves.remove(pool, ids),
        () => false,
      );
    },

    async counts(name) {
      return store.read(() => list.counts(name));
    },
    async items(name, filter) {
      return store.read(() => list.items(name, filter));
    },
    async nextChange(name) {
      return store.read(() => list.nextChange(name));
    },
    async pools() {
      return store.read(() => list.pools());
    },

    watch: watching.watch,
    close: watching.close,
  };
}
