import type { JsonValue } from '../../types.ts';
import type { ClaimedItem, WorkItem, WorkStatus } from '../interfaces.ts';
import { leaseClock } from '../process-identity.ts';
import { formatItemId } from '../work-id.ts';
import type { NewClaim } from '../work-store.ts';

/** Where an item stands: its status, but those that cannot be claimed yet apart from those that can. */
export type ItemState = WorkStatus | 'delayed';

/** A row of `items`, with its data. Times are milliseconds since the epoch. */
export interface ItemRow {
  id: number;
  state: ItemState;
  rank: number;
  priority: number;
  dedupe: string | null;
  attempts: number;
  max_retries: number;
  pushed_at: number;
  claimable_at: number;
  claimed_by: string | null;
  claimed_at: number | null;
  finished_at: number | null;
  error: string | null;
  result: string | null;
  data: string;
}

const DATA = 'coalesce(data, (SELECT data FROM large_data WHERE item = id)) AS data';

/** The columns of an {@link ItemRow}. */
export const ITEM_COLUMNS = `id, state, rank, priority, dedupe, attempts, max_retries, pushed_at, claimable_at, claimed_by, claimed_at,
  finished_at, error, result, ${DATA}`;

/** The times of one transaction. */
export interface Times {
  /** Milliseconds since the epoch. */
  wall: number;
  /** Milliseconds on the clock of leases. */
  lease: number;
}

/** The time now. */
export function timesNow(): Times {
  return { wall: Date.now(), lease: leaseClock() };
}

/** What a claim reads of the items that it takes. */
export type NextRow = Pick<
  ItemRow,
  'id' | 'priority' | 'dedupe' | 'attempts' | 'max_retries' | 'pushed_at' | 'claimable_at' | 'error' | 'data'
>;

/** The columns of a {@link NextRow}. */
export const NEXT_COLUMNS = `id, priority, dedupe, attempts, max_retries, pushed_at, claimable_at, error, ${DATA}`;

/** A row as others see it. @param now for what is left of its lease */
export function describeItem(row: ItemRow, now: Times): WorkItem {
  return {
    id: formatItemId(row.id),
    data: JSON.parse(row.data) as JsonValue,
    status: row.state === 'delayed' ? 'pending' : row.state,
    priority: row.priority,
    dedupe: row.dedupe,
    attempts: row.attempts,
    max_retries: row.max_retries,
    pushed_at: iso(row.pushed_at),
    claimable_at: iso(row.claimable_at),
    claimed_by: row.claimed_by,
    claimed_at: row.claimed_at === null ? null : iso(row.claimed_at),
    lease_until: row.state === 'claimed' ? iso(now.wall + row.rank - now.lease) : null,
    finished_at: row.finished_at === null ? null : iso(row.finished_at),
    error: row.error,
    result: row.result === null ? null : (JSON.parse(row.result) as JsonValue),
  };
}

/** An item that has just been claimed. */
export function describeClaimed(row: NextRow, claim: NewClaim, now: Times): ClaimedItem {
  return {
    id: formatItemId(row.id),
    data: JSON.parse(row.data) as JsonValue,
    status: 'claimed',
    priority: row.priority,
    dedupe: row.dedupe,
    attempts: row.attempts,
    max_retries: row.max_retries,
    pushed_at: iso(row.pushed_at),
    claimable_at: iso(row.claimable_at),
    claimed_by: claim.worker_id,
    claimed_at: iso(now.wall),
    lease_until: iso(now.wall + claim.lease),
    finished_at: null,
    error: row.error,
    result: null,
    claim_token: claim.claim_token,
  };
}

/** Times as texts: items that were pushed or are claimed together have the same. */
const texts = new Map<number, string>();
const MAX_TEXTS = 1000;

function iso(time: number): string {
  const known = texts.get(time);
  if (known !== undefined) return known;
  if (texts.size >= MAX_TEXTS) texts.clear();
  const text = new Date(time).toISOString();
  texts.set(time, text);
  return text;
}
