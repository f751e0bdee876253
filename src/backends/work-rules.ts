import type { FinishOutcome, StoredFinish } from './work-store.ts';

/** What decides whether an attempt may be ended. */
export interface ClaimState {
  /** Null unless it is claimed. */
  claim_token: string | null;
  /** Whether the lease has run out. */
  expired: boolean;
  /** {@link endMark} of what ended its last attempt. */
  ended: string | null;
}

/** What an item keeps of the finish that ended its last attempt, to know it again. */
export function endMark({ status, claim_token }: Pick<StoredFinish, 'status' | 'claim_token'>): string {
  return `${status} ${claim_token}`;
}

/** What becomes of a finish; null = it is to be carried out. */
export function judgeFinish(item: ClaimState | undefined, finish: StoredFinish): FinishOutcome | null {
  if (!item) return 'absent';
  if (item.ended === endMark(finish)) return 'ok';
  return item.claim_token === finish.claim_token && !item.expired ? null : 'lost';
}

/** Where an item stands after an attempt that failed, was lost or reaped. */
export function afterFailure(
  item: { attempts: number; max_retries: number },
  poison = false,
): 'pending' | 'poisoned' {
  return poison || item.attempts >= item.max_retries ? 'poisoned' : 'pending';
}

/** The error of an attempt whose lease has run out. */
export function expiredError(worker: string): string {
  return `worker ${worker} let its claim run out`;
}

/** The error of an attempt that was taken from its worker. */
export function reapedError(worker: string): string {
  return `worker ${worker} was declared dead`;
}
