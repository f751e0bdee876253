import { FlatMachineError } from '../../errors.ts';
import type { WorkFilter, WorkItem, WorkStatus } from '../interfaces.ts';
import { parseItemId } from '../work-id.ts';
import type { StoredCounts } from '../work-store.ts';
import type { SqliteStore } from './database.ts';
import { describeItem, ITEM_COLUMNS, type ItemRow, type ItemState, timesNow } from './item-rows.ts';

const STATES: readonly ItemState[] = ['pending', 'delayed', 'claimed', 'done', 'poisoned'];

/** Those whose `rank` is 0: their line in the index is in the order of their ids. */
const FINISHED: readonly ItemState[] = ['done', 'poisoned'];

/** The reads of work pools. */
export interface ItemList {
  items(pool: string, filter: WorkFilter & { ids?: readonly string[] }): WorkItem[];
  counts(pool: string): StoredCounts;
  nextChange(pool: string): number | null;
  pools(): string[];
}

/** Makes the reads of a file's items. A page of finished ones costs what it returns; one of others looks at all of that state in the index. */
export function createItemList(store: SqliteStore): ItemList {
  const { connection } = store;
  const OF_POOL = 'pool = (SELECT id FROM pools WHERE name = @pool)';
  const find = connection.prepare<[{ pool: string; id: number }], ItemRow>(
    `SELECT ${ITEM_COLUMNS} FROM items WHERE id = @id AND ${OF_POOL}`,
  );
  const idsOf = (order: string) =>
    connection
      .prepare<[{ pool: string; state: ItemState; after: number; most: number }], number>(
        `SELECT id FROM items WHERE ${OF_POOL} AND state = @state ${order} LIMIT @most + 0`,
      )
      .pluck();
  const finished = idsOf('AND rank = 0 AND id > @after ORDER BY id');
  const others = idsOf('AND id > @after ORDER BY id');
  const count = connection.prepare<[{ pool: string }], { state: ItemState; n: number }>(
    `SELECT state, count(*) AS n FROM items WHERE ${OF_POOL} GROUP BY state`,
  );
  const countDue = connection
    .prepare<[{ pool: string; wall: number }], number>(
      `SELECT count(*) FROM items WHERE ${OF_POOL} AND state = 'delayed' AND rank <= @wall`,
    )
    .pluck();
  const countReclaimable = connection
    .prepare<[{ pool: string; lease: number }], number>(
      `SELECT count(*) FROM items WHERE ${OF_POOL} AND state = 'claimed' AND rank <= @lease AND attempts < max_retries`,
    )
    .pluck();
  const earliest = connection
    .prepare<[{ pool: string; state: ItemState }], number | null>(
      `SELECT min(rank) FROM items WHERE ${OF_POOL} AND state = @state`,
    )
    .pluck();
  const names = connection
    .prepare<[], string>('SELECT name FROM pools p WHERE EXISTS (SELECT 1 FROM items WHERE pool = p.id)')
    .pluck();

  function idsIn(pool: string, { status, after, limit }: WorkFilter): number[] {
    const range = { pool, after: after === undefined ? 0 : parseAfter(after), most: limit ?? -1 };
    const ids = STATES.filter((state) => !status || status.includes(statusOf(state))).flatMap((state) =>
      (FINISHED.includes(state) ? finished : others).all({ ...range, state }),
    );
    return ids.sort((a, b) => a - b).slice(0, limit ?? ids.length);
  }

  function rowsOf(pool: string, ids: readonly number[]): WorkItem[] {
    const now = timesNow();
    const rows = ids.map((id) => find.get({ pool, id }));
    return rows.filter((row) => row !== undefined).map((row) => describeItem(row, now));
  }

  return {
    items(pool, { ids, ...filter }) {
      if (ids === undefined) return rowsOf(pool, idsIn(pool, filter));
      return rowsOf(
        pool,
        ids.map(parseItemId).filter((id) => id !== null),
      );
    },
    counts(pool) {
      const { wall, lease } = timesNow();
      const n = new Map(count.all({ pool }).map((row) => [row.state, row.n]));
      const due = countDue.get({ pool, wall }) as number;
      const of = (state: ItemState) => n.get(state) ?? 0;
      return {
        pending: of('pending') + due,
        delayed: of('delayed') - due,
        claimed: of('claimed'),
        done: of('done'),
        poisoned: of('poisoned'),
        reclaimable: countReclaimable.get({ pool, lease }) as number,
      };
    },
    nextChange(pool) {
      const { wall, lease } = timesNow();
      const delay = earliest.get({ pool, state: 'delayed' }) ?? Number.POSITIVE_INFINITY;
      const claim = earliest.get({ pool, state: 'claimed' }) ?? Number.POSITIVE_INFINITY;
      const wait = Math.min(delay - wall, claim - lease);
      return wait === Number.POSITIVE_INFINITY ? null : Math.max(0, wait);
    },
    pools: () => names.all().sort(),
  };
}

function statusOf(state: ItemState): WorkStatus {
  return state === 'delayed' ? 'pending' : state;
}

function parseAfter(after: string): number {
  const id = parseItemId(after);
  if (id === null) throw new FlatMachineError('usage', `after must be the id of an item, not ${after}`);
  return id;
}
