import { storeClosed } from '../failures.ts';
import type { WorkItem } from '../interfaces.ts';
import { createReadyListeners, type ReadyListeners } from '../ready-listeners.ts';
import { formatItemId, parseItemId } from '../work-id.ts';
import type { StoredCounts, StoredFinish, WorkStore } from '../work-store.ts';
import { createChanges } from './changes.ts';
import type { Lane } from './database.ts';
import type { PostgresStore } from './store.ts';
import { exchangeLane, pushLane } from './work-lanes.ts';
import { describeItem, type ItemRow, storedStatuses } from './work-rows.ts';

/** Milliseconds between two looks of those who watch, for what nobody told them. */
const LOOK = 5_000;

/** No claim has it. */
const NO_TOKEN = '';

const COUNTS = `
  SELECT
    (SELECT count(*) FROM work_state s WHERE s.pool = p.pool AND s.status = 'ready') +
    (SELECT count(*) FROM work_state s WHERE s.pool = p.pool AND s.status = 'delayed' AND s.claimable_at <= now()) AS pending,
    (SELECT count(*) FROM work_state s WHERE s.pool = p.pool AND s.status = 'delayed' AND s.claimable_at > now()) AS delayed,
    (SELECT count(*) FROM work_state s WHERE s.pool = p.pool AND s.status = 'claimed') AS claimed,
    (SELECT count(*) FROM work_state s WHERE s.pool = p.pool AND s.status = 'done') AS done,
    (SELECT count(*) FROM work_state s WHERE s.pool = p.pool AND s.status = 'poisoned') AS poisoned,
    (SELECT count(*) FROM work_state s WHERE s.pool = p.pool AND s.status = 'claimed' AND s.lease_until <= now() AND s.attempts < s.max_retries) AS reclaimable
  FROM (SELECT work_pool($1) AS pool) p`;

const ITEMS = `
  SELECT s.*, i.data, i.dedupe, i.pushed_at
  FROM work_state s JOIN work_items i ON i.pool = s.pool AND i.id = s.id
  WHERE s.pool = work_pool($1) AND s.id > $2 AND ($3::text[] IS NULL OR s.status = ANY ($3)) ORDER BY s.pool, s.id LIMIT $4`;

const ITEMS_BY_ID = `
  SELECT s.*, i.data, i.dedupe, i.pushed_at
  FROM work_state s JOIN work_items i ON i.pool = s.pool AND i.id = s.id
  WHERE s.pool = work_pool($1) AND s.id = ANY ($5::bigint[])
    AND s.id > $2 AND ($3::text[] IS NULL OR s.status = ANY ($3)) ORDER BY s.pool, s.id LIMIT $4`;

const POOLS = `
  SELECT name FROM work_pools p WHERE EXISTS (SELECT FROM work_items i WHERE i.pool = p.pool) ORDER BY name`;

const NEXT_CHANGE = `
  SELECT (1000 * extract(epoch FROM least(
    (SELECT min(s.claimable_at) FROM work_state s WHERE s.pool = p.pool AND s.status = 'delayed'),
    (SELECT min(s.lease_until) FROM work_state s WHERE s.pool = p.pool AND s.status = 'claimed')
  ) - clock_timestamp()))::double precision AS wait
  FROM (SELECT work_pool($1) AS pool) p`;

/** What tells whether something has finished, and whether something can be claimed, at the cost of three looks into an index. */
const PULSE = `
  SELECT w.name,
    EXISTS (SELECT FROM work_state s WHERE s.pool = w.pool AND s.status = 'ready') AS ready,
    concat(
      (SELECT max(s.finished_at) FROM work_state s WHERE s.pool = w.pool AND s.status = 'done'), ' ',
      (SELECT max(s.finished_at) FROM work_state s WHERE s.pool = w.pool AND s.status = 'poisoned')
    ) AS finished
  FROM work_pools w WHERE w.name = ANY ($1)`;

interface PulseRow {
  name: string;
  ready: boolean;
  finished: string;
}

/** Items in PostgreSQL. */
export interface PostgresWork extends WorkStore {
  /** Ends everybody's watching, once others were told what they wait for. */
  close(): Promise<void>;
}

/** Makes the store of work of a schema. @param onWarning told when other processes could not be told of a change */
export function createPostgresWork(store: PostgresStore, onWarning: (message: string) => void): PostgresWork {
  const changes = createChanges(store, 'work', onWarning);
  const listeners = new Map<string, ReadyListeners>();
  const pulses = new Map<string, string>();
  let stopListening: (() => void) | null = null;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function tell(pool: string): void {
    listeners.get(pool)?.changed();
    changes.tell(pool);
  }

  /** One of the functions that answer with the ids of what they changed. */
  async function change(
    name: string,
    call: string,
    pool: string,
    values: readonly unknown[],
    lane: Lane = 'general',
  ): Promise<number[]> {
    const rows = await store.query<{ id: number }>(name, `SELECT ${call} AS id`, [pool, ...values], lane);
    return rows.map(({ id }) => id);
  }

  async function look(): Promise<void> {
    const rows = await store.query<PulseRow>('work-pulse', PULSE, [[...listeners.keys()]]);
    for (const { name, ready, finished } of rows) {
      if (ready || (pulses.get(name) ?? finished) !== finished) listeners.get(name)?.changed();
      pulses.set(name, finished);
    }
  }

  function startWatching(): void {
    stopListening ??= changes.listen((pool) => {
      if (pool !== null) listeners.get(pool)?.changed();
      else for (const one of listeners.values()) one.changed();
    });
    timer ??= setInterval(() => {
      look().catch((error: Error) => onWarning(`pools could not be looked at: ${error.message}`));
    }, LOOK).unref();
  }

  /** Notifications go on coming: who watched once will do so again. */
  function stopLooking(): void {
    clearInterval(timer);
    timer = undefined;
    pulses.clear();
  }

  return {
    async push(pool, items) {
      const size = items.reduce((sum, { data }) => sum + data.length, 0);
      const ids = await store.write(pushLane, { pool, items }, size);
      tell(pool);
      return ids.map(formatItemId);
    },

    async exchange(pool, finishes, claim) {
      const possible = finishes.flatMap((finish) => possibleFinish(finish) ?? []);
      const size = possible.reduce((sum, { result, error }) => sum + (result ?? error ?? '').length, 0);
      const { outcomes, claimed, putBack } = await store.write(
        exchangeLane,
        { pool, finishes: possible, claim },
        size,
      );
      if (putBack || outcomes.includes('ok')) tell(pool);
      let next = 0;
      return {
        outcomes: finishes.map((finish) => (possibleFinish(finish) && outcomes[next++]) ?? 'absent'),
        claimed,
      };
    },

    async renew(pool, claims, lease) {
      const known = claims.filter(({ id, claim_token }) => isPossible(id) && !claim_token.includes('\0'));
      const ids = known.map(({ id }) => parseItemId(id));
      const tokens = known.map(({ claim_token }) => claim_token);
      const values = [ids, tokens, lease];
      const places = await change('work-renew', 'work_renew($1, $2, $3, $4)', pool, values, 'beats');
      const held = new Set(places.map((place) => known[place - 1]));
      return claims.map((claim) => held.has(claim));
    },

    async counts(pool) {
      return (await store.query<StoredCounts>('work-counts', COUNTS, [pool]))[0] as StoredCounts;
    },

    async items(pool, { ids, status, after, limit }) {
      const filter = [
        pool,
        parseItemId(after ?? '') ?? 0,
        status?.flatMap(storedStatuses) ?? null,
        limit ?? null,
      ];
      const rows = ids
        ? await store.query<ItemRow>('work-items-by-id', ITEMS_BY_ID, [...filter, numbers(ids)])
        : await store.query<ItemRow>('work-items', ITEMS, filter);
      return rows.map(describeItem) satisfies WorkItem[];
    },

    async releaseByWorker(pool, workerId) {
      const { length } = await change('work-reap', 'work_reap($1, $2)', pool, [workerId]);
      if (length > 0) tell(pool);
      return length;
    },

    async requeue(pool, ids) {
      const { length } = await change('work-requeue', 'work_requeue($1, $2)', pool, [ids && numbers(ids)]);
      if (length > 0) tell(pool);
      return length;
    },

    async remove(pool, ids) {
      return (await change('work-remove', 'work_remove($1, $2)', pool, [numbers(ids)])).length;
    },

    async pools() {
      return (await store.query<{ name: string }>('work-pools', POOLS)).map(({ name }) => name);
    },

    watch(pool, listener) {
      if (closed) throw storeClosed();
      const known = listeners.get(pool) ?? createReadyListeners();
      listeners.set(pool, known);
      const stop = known.add(listener);
      startWatching();
      return () => {
        stop();
        if (known.size === 0) listeners.delete(pool);
        if (listeners.size === 0) stopLooking();
      };
    },

    async nextChange(pool) {
      const rows = await store.query<{ wait: number | null }>('work-next-change', NEXT_CHANGE, [pool]);
      const wait = rows[0]?.wait ?? null;
      return wait && Math.max(0, wait);
    },

    async close() {
      closed = true;
      stopListening?.();
      stopLooking();
      listeners.clear();
      await changes.close();
    },
  };
}

function isPossible(id: string): boolean {
  return parseItemId(id) !== null;
}

/** A finish of an item that may exist, with a token that PostgreSQL can hold; null for others. */
function possibleFinish(finish: StoredFinish): StoredFinish | null {
  if (!isPossible(finish.id)) return null;
  return finish.claim_token.includes('\0') ? { ...finish, claim_token: NO_TOKEN } : finish;
}

function numbers(ids: readonly string[]): number[] {
  return ids.flatMap((id) => parseItemId(id) ?? []);
}
