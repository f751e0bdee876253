import type { Database } from 'better-sqlite3';
import type { ClaimedItem } from '../interfaces.ts';
import { parseItemId } from '../work-id.ts';
import { afterFailure, type ClaimState, endMark, expiredError, judgeFinish } from '../work-rules.ts';
import type { FinishOutcome, NewClaim, NewItem, StoredFinish } from '../work-store.ts';
import {
  describeClaimed,
  describeItem,
  ITEM_COLUMNS,
  type ItemRow,
  type ItemState,
  NEXT_COLUMNS,
  type NextRow,
  type Times,
} from './item-rows.ts';

/** Characters of data from which on it gets a row of its own: a claim writes the item's row anew, and would write it with it. */
const LARGE = 2000;

/** How many items whose delay is over, and how many whose lease is, one look deals with: what bounds the cost of a claim. */
export const MAX_DUE = 200;

/** What decides about the end of an attempt. */
interface ClaimRow {
  id: number;
  state: ItemState;
  rank: number;
  attempts: number;
  max_retries: number;
  claimed_by: string;
  claim_token: string | null;
  error: string | null;
  ended: string | null;
}

const CLAIM_COLUMNS = 'id, state, rank, attempts, max_retries, claimed_by, claim_token, error, ended';

/** Moves of items from one state to another, each part of a transaction. `pool` is `pools.id`. */
export interface ItemMoves {
  /** @returns `items.id` of this item, or of the one that has its dedupe key */
  push(pool: number, item: NewItem, times: Times): number;
  finish(pool: number, finish: StoredFinish, times: Times): FinishOutcome;
  /** Makes items claimable whose delay is over, and puts back those whose lease has run out, {@link MAX_DUE} each. @returns how many; as many = there may be more */
  settleDue(pool: number, times: Times): number;
  claim(pool: number, claim: NewClaim, times: Times): ClaimedItem[];
  renew(pool: number, id: string, token: string, lease: number, times: Times): boolean;
  reap(pool: number, worker: string, error: string, times: Times): number;
  requeue(pool: number, ids: readonly string[] | null, times: Times): number;
  remove(pool: number, ids: readonly string[]): number;
}

/** Makes the moves of a file's items. */
export function createItemMoves(connection: Database): ItemMoves {
  const findTwin = connection
    .prepare<[number, string], number>('SELECT id FROM items WHERE pool = ? AND dedupe = ?')
    .pluck();
  const insert = connection.prepare<
    [number, string, number, number, string | null, number, number, number, string | null]
  >(
    `INSERT INTO items (pool, state, rank, priority, dedupe, max_retries, pushed_at, claimable_at, data)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertLarge = connection.prepare<[number, string]>(
    'INSERT INTO large_data (item, data) VALUES (?, ?)',
  );
  const findClaim = connection.prepare<[number, number], ClaimRow>(
    `SELECT ${CLAIM_COLUMNS} FROM items WHERE id = ? AND pool = ?`,
  );
  const putBack = connection.prepare<
    [
      {
        id: number;
        state: ItemState;
        at: number;
        attempts: number;
        error: string | null;
        ended: string | null;
      },
    ]
  >(
    `UPDATE items SET state = @state, rank = iif(@state = 'delayed', @at, -priority), attempts = @attempts, claimable_at = @at, error = @error,
       ended = @ended, claimed_by = NULL, claimed_at = NULL, claim_token = NULL WHERE id = @id`,
  );
  const complete = connection.prepare<[number, string | null, number, number, string, number]>(
    `UPDATE items SET state = 'done', rank = 0, finished_at = ?, error = NULL, result = ?
     WHERE id = ? AND pool = ? AND state = 'claimed' AND claim_token = ? AND rank > ?`,
  );
  const poison = connection.prepare<[number, string | null, string | null, number]>(
    `UPDATE items SET state = 'poisoned', rank = 0, finished_at = ?, error = ?, ended = ?, claim_token = NULL WHERE id = ?`,
  );
  const isDue = connection
    .prepare<[number, number, number, number]>(
      `SELECT 1 FROM items WHERE pool = ? AND state = 'delayed' AND rank <= ?
       UNION ALL SELECT 1 FROM items WHERE pool = ? AND state = 'claimed' AND rank <= ? LIMIT 1`,
    )
    .pluck();
  const endDelays = connection.prepare<[number, number, number]>(
    `UPDATE items SET state = 'pending', rank = -priority WHERE id IN (
       SELECT id FROM items WHERE pool = ? AND state = 'delayed' AND rank <= ? ORDER BY rank LIMIT ? + 0)`,
  );
  const expired = connection.prepare<[number, number, number], ClaimRow>(
    `SELECT ${CLAIM_COLUMNS} FROM items WHERE pool = ? AND state = 'claimed' AND rank <= ? ORDER BY rank LIMIT ? + 0`,
  );
  // LIMIT + 0: a bare parameter there makes SQLite plan the statement anew at each call.
  const next = connection.prepare<[number, number], NextRow>(
    `SELECT ${NEXT_COLUMNS} FROM items WHERE pool = ? AND state = 'pending' ORDER BY rank, id LIMIT ? + 0`,
  );
  const claim = connection.prepare<[number, string, number, string, number]>(
    `UPDATE items SET state = 'claimed', rank = ?, attempts = attempts + 1, claimed_by = ?, claimed_at = ?, claim_token = ? WHERE id = ?`,
  );
  const claimedWith = connection.prepare<[number, string, number], ItemRow>(
    `SELECT ${ITEM_COLUMNS} FROM items WHERE pool = ? AND state = 'claimed' AND claim_token = ? AND rank > ? ORDER BY id`,
  );
  const renew = connection.prepare<[number, number, number, string, number]>(
    `UPDATE items SET rank = ? WHERE id = ? AND pool = ? AND state = 'claimed' AND claim_token = ? AND rank > ?`,
  );
  const claimedBy = connection.prepare<[number, string], ClaimRow>(
    `SELECT ${CLAIM_COLUMNS} FROM items WHERE pool = ? AND state = 'claimed' AND claimed_by = ?`,
  );
  const REQUEUE = `UPDATE items SET state = 'pending', rank = -priority, attempts = 0, claimable_at = ?, claimed_by = NULL, claimed_at = NULL, finished_at = NULL
     WHERE pool = ? AND state = 'poisoned'`;
  const requeueAll = connection.prepare<[number, number]>(REQUEUE);
  const requeueOne = connection.prepare<[number, number, number]>(`${REQUEUE} AND id = ?`);
  const remove = connection.prepare<[number, number]>(
    "DELETE FROM items WHERE id = ? AND pool = ? AND state <> 'claimed'",
  );
  const removeLarge = connection.prepare<[number]>('DELETE FROM large_data WHERE item = ?');

  /** Makes an item claimable, now or after a delay. */
  function back(
    id: number,
    delay: number,
    kept: { attempts: number; error: string | null; ended: string | null },
    { wall }: Times,
  ): void {
    putBack.run({ id, state: delay > 0 ? 'delayed' : 'pending', at: wall + delay, ...kept });
  }

  function fail(
    row: ClaimRow,
    error: string | null,
    ended: string | null,
    times: Times,
    how: { poison?: boolean; delay?: number } = {},
  ): void {
    if (afterFailure(row, how.poison) === 'pending')
      back(row.id, how.delay ?? 0, { attempts: row.attempts, error, ended }, times);
    else poison.run(times.wall, error, ended, row.id);
  }

  return {
    push(pool, { data, max_retries, delay, priority, dedupe }, { wall }) {
      const twin = dedupe === null ? undefined : findTwin.get(pool, dedupe);
      if (twin !== undefined) return twin;
      const at = wall + delay;
      const state = delay > 0 ? 'delayed' : 'pending';
      const rank = delay > 0 ? at : 0 - priority;
      const large = data.length >= LARGE;
      const own = large ? null : data;
      const { lastInsertRowid } = insert.run(pool, state, rank, priority, dedupe, max_retries, wall, at, own);
      const id = Number(lastInsertRowid);
      if (large) insertLarge.run(id, data);
      return id;
    },

    finish(pool, finish, times) {
      const id = parseItemId(finish.id);
      if (id === null) return 'absent';
      const { status, claim_token, result } = finish;
      const isDone =
        status === 'done' && complete.run(times.wall, result, id, pool, claim_token, times.lease);
      if (isDone && isDone.changes === 1) return 'ok';
      const row = findClaim.get(id, pool);
      const verdict = judgeFinish(row && claimStateOf(row, times), finish);
      if (!row || verdict) return verdict ?? 'absent';
      const ended = endMark(finish);
      if (status === 'failed') fail(row, finish.error, ended, times, finish);
      else back(row.id, finish.delay, { attempts: row.attempts - 1, error: row.error, ended }, times);
      return 'ok';
    },

    settleDue(pool, times) {
      if (isDue.get(pool, times.wall, pool, times.lease) === undefined) return 0;
      const { changes } = endDelays.run(pool, times.wall, MAX_DUE);
      const rows = expired.all(pool, times.lease, MAX_DUE);
      for (const row of rows) fail(row, expiredError(row.claimed_by), row.ended, times);
      return changes + rows.length;
    },

    claim(pool, wanted, times) {
      const { worker_id, count, lease, claim_token, fresh } = wanted;
      const again = fresh ? [] : claimedWith.all(pool, claim_token, times.lease);
      if (again.length > 0) {
        return again.map((row) => ({ ...describeItem(row, times), status: 'claimed', claim_token }));
      }
      const rows = next.all(pool, count);
      const until = times.lease + lease;
      for (const row of rows) {
        claim.run(until, worker_id, times.wall, claim_token, row.id);
        row.attempts++;
      }
      return rows.map((row) => describeClaimed(row, wanted, times));
    },

    renew(pool, item, token, lease, { lease: now }) {
      const id = parseItemId(item);
      return id !== null && renew.run(now + lease, id, pool, token, now).changes === 1;
    },

    reap(pool, worker, error, times) {
      const rows = claimedBy.all(pool, worker);
      for (const row of rows) fail(row, error, row.ended, times);
      return rows.length;
    },

    requeue(pool, ids, { wall }) {
      if (ids === null) return requeueAll.run(wall, pool).changes;
      return sum(ids, (id) => requeueOne.run(wall, pool, id).changes);
    },

    remove(pool, ids) {
      return sum(ids, (id) => {
        const { changes } = remove.run(id, pool);
        if (changes === 1) removeLarge.run(id);
        return changes;
      });
    },
  };
}

/** Adds up what becomes of each item; what is no id of ours is none of our items. */
function sum(ids: readonly string[], change: (id: number) => number): number {
  let total = 0;
  for (const text of ids) {
    const id = parseItemId(text);
    if (id !== null) total += change(id);
  }
  return total;
}

/** What the rules ask about a row. */
function claimStateOf({ state, rank, claim_token, ended }: ClaimRow, { lease }: Times): ClaimState {
  return {
    claim_token: state === 'claimed' ? claim_token : null,
    expired: rank <= lease,
    ended: state === 'done' ? endMark({ status: 'done', claim_token: claim_token as string }) : ended,
  };
}
