import type { JsonValue } from '../../types.ts';
import type { ClaimedItem, WorkItem, WorkStatus } from '../interfaces.ts';
import { formatItemId } from '../work-id.ts';

/** An item as statements give it. */
export interface ItemRow {
  id: number;
  data: string;
  status: WorkStatus | 'ready' | 'delayed';
  priority: number;
  dedupe: string | null;
  attempts: number;
  max_retries: number;
  pushed_at: Date;
  claimable_at: Date;
  claimed_by: string | null;
  claimed_at: Date | null;
  lease_until: Date | null;
  finished_at: Date | null;
  error: string | null;
  result: string | null;
}

/** A row of `work_exchange`: the outcome of a finish that was refused, a claimed item, or a sign that leases had run out. */
export type ExchangeRow =
  | { kind: 'lost' | 'absent'; n: number }
  | { kind: 'put_back' }
  | ({ kind: 'claimed'; n: number; place: number } & Omit<ItemRow, 'status' | 'finished_at' | 'result'>);

/** The statuses of rows that a status of an item stands for. */
export function storedStatuses(status: WorkStatus): string[] {
  return status === 'pending' ? ['ready', 'delayed'] : [status];
}

/** A row as others see it. */
export function describeItem(row: ItemRow): WorkItem {
  return {
    id: formatItemId(row.id),
    data: JSON.parse(row.data) as JsonValue,
    status: row.status === 'ready' || row.status === 'delayed' ? 'pending' : row.status,
    priority: row.priority,
    dedupe: row.dedupe,
    attempts: row.attempts,
    max_retries: row.max_retries,
    pushed_at: row.pushed_at.toISOString(),
    claimable_at: row.claimable_at.toISOString(),
    claimed_by: row.claimed_by,
    claimed_at: row.claimed_at?.toISOString() ?? null,
    lease_until: row.lease_until?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
    error: row.error,
    result: row.result === null ? null : (JSON.parse(row.result) as JsonValue),
  };
}

/** A row that has just been claimed. */
export function describeClaimed(
  row: Extract<ExchangeRow, { kind: 'claimed' }>,
  claim_token: string,
): ClaimedItem {
  const item = describeItem({ ...row, status: 'claimed', finished_at: null, result: null });
  return { ...item, status: 'claimed', claim_token };
}
