import type { Claim, ClaimedItem } from '../backends/interfaces.ts';
import type { ExecutionEvent } from '../events.ts';

/** An item that a worker works on. */
export class RunningItem {
  readonly item: ClaimedItem;
  readonly executionId: string;
  /** The claim is somebody else's by now. */
  lost = false;
  readonly #interrupt = new AbortController();
  #madeWay = false;
  #waitingSince: number | null = null;

  constructor(item: ClaimedItem, executionId: string) {
    this.item = item;
    this.executionId = executionId;
  }

  /** Aborted = its execution stops at the next safe point. */
  get signal(): AbortSignal {
    return this.#interrupt.signal;
  }

  /** How long it has waited for a slot, milliseconds; 0 = it does not. */
  get waited(): number {
    return this.#waitingSince === null ? 0 : Math.max(1, performance.now() - this.#waitingSince);
  }

  /** Whether it was interrupted so that another item may be claimed in its place. */
  get madeWay(): boolean {
    return this.#madeWay;
  }

  /** Stops its execution at the next safe point. */
  interrupt(): void {
    this.#interrupt.abort();
  }

  /** The same, so that another item may be claimed in its place. */
  makeWay(): void {
    this.#madeWay = true;
    this.interrupt();
  }

  /** Takes note of an event of its execution. @returns whether it has just begun to wait for a slot */
  note({ type }: ExecutionEvent): boolean {
    if (type === 'slot_acquired' || type === 'state_enter') this.#waitingSince = null;
    if (type !== 'slot_waiting' || this.#waitingSince !== null) return false;
    this.#waitingSince = performance.now();
    return true;
  }
}

/** Of items that all wait for a slot, the one that has waited longest; null when one of them does not wait, or makes way already. */
export function longestWaiting(items: Iterable<RunningItem>): RunningItem | null {
  let longest: RunningItem | null = null;
  for (const item of items) {
    if (item.waited === 0 || item.madeWay) return null;
    if (longest === null || item.waited > longest.waited) longest = item;
  }
  return longest;
}

/** What tells a claim from all others, of the same item too. */
export function claimKey({ id, claim_token }: Claim): string {
  return `${id} ${claim_token}`;
}
