import type { JsonValue } from '../../types.ts';
import type { ClaimedItem, WorkItem, WorkStatus } from '../interfaces.ts';
import { formatItemId } from '../work-id.ts';
import type { NewItem } from '../work-store.ts';

/** Where an item is kept: those that are pending, but not before their time, apart from the others. */
export type Place = WorkStatus | 'delayed';

/** An item, with all that is known of it. */
export interface Item {
  readonly order: number;
  readonly new: NewItem;
  readonly pushedAt: string;
  place: Place;
  /** When its delay or its lease runs out, on the clock of the pool. */
  due: number;
  attempts: number;
  claimableAt: string;
  claimedBy: string | null;
  claimedAt: string | null;
  leaseUntil: string | null;
  finishedAt: string | null;
  claimToken: string | null;
  ended: string | null;
  error: string | null;
  result: string | null;
}

/** ISO 8601, so many milliseconds from now. */
export function wall(delay: number): string {
  return new Date(Date.now() + delay).toISOString();
}

/** Whether `a` is claimed before `b`. */
export function comesFirst(a: Item, b: Item): boolean {
  const difference = b.new.priority - a.new.priority;
  return difference === 0 ? a.order < b.order : difference < 0;
}

/** How many attempts it had, and may have. */
export function shareOf(item: Item): { attempts: number; max_retries: number } {
  return { attempts: item.attempts, max_retries: item.new.max_retries };
}

/** Its status, as others see it. */
export function statusOf({ place }: Item): WorkStatus {
  return place === 'delayed' ? 'pending' : place;
}

/** An item as others see it. */
export function describe(item: Item): WorkItem {
  return {
    id: formatItemId(item.order),
    data: JSON.parse(item.new.data) as JsonValue,
    status: statusOf(item),
    priority: item.new.priority,
    dedupe: item.new.dedupe,
    attempts: item.attempts,
    max_retries: item.new.max_retries,
    pushed_at: item.pushedAt,
    claimable_at: item.claimableAt,
    claimed_by: item.claimedBy,
    claimed_at: item.claimedAt,
    lease_until: item.place === 'claimed' ? item.leaseUntil : null,
    finished_at: item.finishedAt,
    error: item.error,
    result: item.result === null ? null : (JSON.parse(item.result) as JsonValue),
  };
}

/** A claimed one, with the proof. */
export function describeClaimed(item: Item): ClaimedItem {
  return { ...describe(item), status: 'claimed', claim_token: item.claimToken as string };
}
