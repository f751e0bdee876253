import type { JsonValue } from '../../types.ts';
import type { ClaimedItem, WorkItem, WorkStatus } from '../interfaces.ts';
import { parseItemId } from '../work-id.ts';
import type { FinishOutcome, NewClaim, NewItem, StoredFinish, WorkStore } from '../work-store.ts';
import type { RedisArgument } from './client.ts';
import type { RedisStore, Script } from './connection.ts';
import { WORK_SCRIPTS } from './lua/work.ts';
import { drawNonce } from './nonce.ts';
import { createTurnBatch, type TurnBatch } from './turn-batch.ts';

const STATUSES: readonly WorkStatus[] = ['pending', 'claimed', 'done', 'poisoned'];

/** Items that one script reads, requeues, releases or removes at most: others are served in between. */
const PAGE = 500;

/** Bytes of data after which a page ends. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** Items, and UTF-16 units of their data, that one script stores at most. More of them are several writes: a script keeps everybody else waiting. */
const MAX_PUSH = 5000;
const MAX_PUSH_TEXT = 32 * 1024 * 1024;

/** Nonces of answered pushes that are kept, for whoever asks again; beyond it the next push makes the server forget the oldest. */
const KEPT_NONCES = 1000;

/** An item as a script returns it: its id, then what `lua/pool.ts` lists. */
type Row = (string | null)[];

interface Exchange {
  finishes: readonly StoredFinish[];
  claim: NewClaim | null;
}

interface Exchanged {
  outcomes: FinishOutcome[];
  claimed: ClaimedItem[];
}

/** Work pools that can be closed. */
export interface RedisWork extends WorkStore {
  /** Sends what was asked for and not sent yet. */
  close(): void;
}

/** Work pools on a redis server. What a claim costs grows with the logarithm of what is in the pool. */
export function createRedisWork(store: RedisStore): RedisWork {
  const scripts = Object.fromEntries(
    Object.entries(WORK_SCRIPTS).map(([name, lua]) => [name, store.script(lua)]),
  ) as Record<keyof typeof WORK_SCRIPTS, Script>;
  const session = drawNonce();
  const answered: string[] = [];
  const exchanges = new Map<string, TurnBatch<Exchange, Exchanged>>();

  function exchangesOf(pool: string): TurnBatch<Exchange, Exchanged> {
    const known = exchanges.get(pool) ?? createTurnBatch((jobs) => exchangeAll(pool, jobs), weightOf);
    exchanges.set(pool, known);
    return known;
  }

  async function exchangeAll(pool: string, jobs: readonly Exchange[]): Promise<Exchanged[]> {
    const answers = await scripts.exchange(pool, ...jobs.flatMap(exchangeArguments));
    return (answers as [FinishOutcome[], Row[]][]).map(([outcomes, rows], i) => ({
      outcomes,
      claimed: rows.map((row) => toClaimed(row, jobs[i]?.claim?.claim_token as string)),
    }));
  }

  /** Asks in portions, one after the other, and adds up the counts. */
  async function inPortions(script: Script, pool: string, ids: readonly string[]): Promise<number> {
    let count = 0;
    for (let i = 0; i < ids.length; i += PAGE) {
      count += Number(await script(pool, ...ids.slice(i, i + PAGE)));
    }
    return count;
  }

  /** Each page shows one moment, and each item once. */
  async function listed(
    pool: string,
    status: readonly WorkStatus[],
    after: string,
    limit: number,
  ): Promise<WorkItem[]> {
    const items: WorkItem[] = [];
    let from: string | null = after;
    while (from !== null && items.length < limit) {
      const count = Math.min(PAGE, limit - items.length);
      const page = (await scripts.page(pool, from, count, PAGE_BYTES, ...status)) as [string | null, Row[]];
      from = page[0];
      items.push(...page[1].map(toItem));
    }
    return items;
  }

  return {
    async push(pool, items) {
      const ids: string[] = [];
      while (ids.length < items.length) {
        const portion = nextPortion(items, ids.length);
        const forgotten = answered.splice(0, Math.min(MAX_PUSH, answered.length - KEPT_NONCES));
        ids.push(...((await scripts.push(pool, session, JSON.stringify(portion), ...forgotten)) as string[]));
        for (const [nonce] of portion) answered.push(nonce);
      }
      return ids;
    },

    async exchange(pool, finishes, claim) {
      const outcomes: FinishOutcome[] = [];
      const last = finishes.length - (finishes.length % PAGE);
      for (let i = 0; i < last; i += PAGE) {
        const portion = { finishes: finishes.slice(i, i + PAGE), claim: null };
        outcomes.push(...(await exchangesOf(pool).add(portion)).outcomes);
      }
      const answer = await exchangesOf(pool).add({ finishes: finishes.slice(last), claim });
      return { outcomes: [...outcomes, ...answer.outcomes], claimed: answer.claimed };
    },

    async renew(pool, claims, lease) {
      const kept: boolean[] = [];
      for (let i = 0; i < claims.length; i += PAGE) {
        const portion = claims.slice(i, i + PAGE).flatMap(({ id, claim_token }) => [itemId(id), claim_token]);
        kept.push(...((await scripts.renew(pool, lease, ...portion)) as number[]).map((one) => one === 1));
      }
      return kept;
    },

    async counts(pool) {
      const counts = (await scripts.counts(pool)) as [number, number, number, number, number, number];
      const [pending, delayed, claimed, done, poisoned, reclaimable] = counts;
      return { pending, delayed, claimed, done, poisoned, reclaimable };
    },

    async items(pool, { ids, status = STATUSES, after = '', limit = Number.POSITIVE_INFINITY }) {
      if (!ids) return listed(pool, status, after, limit);
      const items: WorkItem[] = [];
      for (const id of ids.filter(isOurs).sort()) {
        const rows = (await scripts.items(pool, id)) as Row[];
        items.push(...rows.map(toItem));
      }
      return items.filter((item) => item.id > after && status.includes(item.status)).slice(0, limit);
    },

    async releaseByWorker(pool, workerId) {
      let count = 0;
      for (;;) {
        const released = Number(await scripts.release(pool, workerId, PAGE));
        count += released;
        if (released < PAGE) return count;
      }
    },

    async requeue(pool, ids) {
      if (ids) return inPortions(scripts.requeue, pool, ids.filter(isOurs));
      const key = store.key('work', 'poisoned', pool);
      return inPortions(scripts.requeue, pool, (await store.command('ZRANGE', key, 0, -1)) as string[]);
    },

    remove: (pool, ids) => inPortions(scripts.remove, pool, ids.filter(isOurs)),

    async pools() {
      return ((await store.command('SMEMBERS', store.key('work', 'pools'))) as string[]).sort();
    },

    watch: (pool, listener) => store.onNotify(`work:${pool}`, () => listener()),

    async nextChange(pool) {
      const next = (await scripts.nextChange(pool)) as number | null;
      return next === null ? null : Math.max(0, next);
    },

    close() {
      for (const batch of exchanges.values()) batch.flush();
    },
  };
}

type ItemRow = [nonce: string, data: string, ...rest: (string | number)[]];

/** Items from the `from`-th on that go together. */
function nextPortion(items: readonly NewItem[], from: number): ItemRow[] {
  const rows: ItemRow[] = [];
  let size = 0;
  for (const { nonce, data, max_retries, delay, priority, dedupe } of items.slice(from, from + MAX_PUSH)) {
    size += data.length;
    if (rows.length > 0 && size > MAX_PUSH_TEXT) break;
    rows.push([nonce, data, max_retries, delay, priority, dedupe ?? '']);
  }
  return rows;
}

/** How many items it moves at most, as far as that is known. */
function weightOf({ finishes, claim }: Exchange): number {
  return finishes.length + (claim?.count ?? 0);
}

function exchangeArguments({ finishes, claim }: Exchange): RedisArgument[] {
  const ends = finishes.flatMap(({ id, claim_token, status, result, error, delay, poison }) => [
    ...[itemId(id), claim_token, status, result ?? error ?? '', delay, poison ? 1 : 0],
  ]);
  const wanted = claim ? [1, claim.worker_id, claim.count, claim.lease, claim.claim_token] : [0];
  return [finishes.length, ...ends, ...wanted];
}

function isOurs(id: string): boolean {
  return parseItemId(id) !== null;
}

/** Part of a key: what is no id of ours is no item, whatever else has such a key. */
function itemId(id: string): string {
  return isOurs(id) ? id : 'none';
}

function toItem(row: Row): WorkItem {
  const [id, data, status, priority, dedupe, attempts, max_retries, pushed, claimable, worker, claimed] = row;
  const [finished, error, result, lease] = row.slice(11);
  return {
    id: id as string,
    data: JSON.parse(data as string) as JsonValue,
    status: status as WorkStatus,
    priority: Number(priority),
    dedupe: dedupe ?? null,
    attempts: Number(attempts),
    max_retries: Number(max_retries),
    pushed_at: isoTime(pushed) as string,
    claimable_at: isoTime(claimable) as string,
    claimed_by: worker ?? null,
    claimed_at: isoTime(claimed),
    lease_until: status === 'claimed' ? isoTime(lease) : null,
    finished_at: isoTime(finished),
    error: error ?? null,
    result: result == null ? null : (JSON.parse(result) as JsonValue),
  };
}

function toClaimed(row: Row, claim_token: string): ClaimedItem {
  return { ...toItem(row), status: 'claimed', claim_token };
}

function isoTime(milliseconds: string | null | undefined): string | null {
  return milliseconds == null ? null : new Date(Number(milliseconds)).toISOString();
}
