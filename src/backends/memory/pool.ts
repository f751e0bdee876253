import type { ClaimedItem, WorkFilter, WorkItem } from '../interfaces.ts';
import { formatItemId } from '../work-id.ts';
import { afterFailure, endMark, expiredError, judgeFinish } from '../work-rules.ts';
import type { FinishOutcome, NewClaim, NewItem, StoredCounts, StoredFinish } from '../work-store.ts';
import { createHeap } from './heap.ts';
import {
  comesFirst,
  describe,
  describeClaimed,
  type Item,
  type Place,
  shareOf,
  statusOf,
  wall,
} from './item.ts';

/** An entry of a heap; it means nothing any more once the item has moved on. */
interface Entry {
  item: Item;
  place: Place;
  due: number;
}

/** Items of one pool in memory. Times are milliseconds of a clock that never jumps; `wall` makes them readable. */
export class MemoryPool {
  readonly #now: () => number;
  readonly #items = new Map<string, Item>();
  readonly #byNonce = new Map<string, Item>();
  readonly #byDedupe = new Map<string, Item>();
  readonly #places: Readonly<Record<Place, Set<Item>>> = {
    pending: new Set(),
    delayed: new Set(),
    claimed: new Set(),
    done: new Set(),
    poisoned: new Set(),
  };
  readonly #pending = createHeap<Entry>((a, b) => comesFirst(a.item, b.item));
  readonly #due = createHeap<Entry>((a, b) => a.due < b.due);
  #pushed = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get isEmpty(): boolean {
    return this.#items.size === 0;
  }

  push(added: NewItem): string {
    const known =
      this.#byNonce.get(added.nonce) ??
      (added.dedupe === null ? undefined : this.#byDedupe.get(added.dedupe));
    if (known) return formatItemId(known.order);
    const item: Item = {
      order: ++this.#pushed,
      new: added,
      pushedAt: wall(0),
      place: 'pending',
      due: 0,
      attempts: 0,
      claimableAt: '',
      claimedBy: null,
      claimedAt: null,
      leaseUntil: null,
      finishedAt: null,
      claimToken: null,
      ended: null,
      error: null,
      result: null,
    };
    const id = formatItemId(item.order);
    this.#items.set(id, item);
    this.#byNonce.set(added.nonce, item);
    if (added.dedupe !== null) this.#byDedupe.set(added.dedupe, item);
    this.#putBack(item, added.delay);
    return id;
  }

  finish(finish: StoredFinish): FinishOutcome {
    const item = this.#items.get(finish.id);
    const verdict = judgeFinish(item && { ...this.#claimOf(item), ended: item.ended }, finish);
    if (!item || verdict) return verdict ?? 'absent';
    item.ended = endMark(finish);
    if (finish.status === 'done') {
      item.error = null;
      item.result = finish.result;
      this.#end(item, 'done');
    } else if (finish.status === 'released') {
      item.attempts--;
      this.#putBack(item, finish.delay);
    } else this.#fail(item, finish.error, finish);
    return 'ok';
  }

  /** Makes those claimable whose delay is over, and puts back those whose lease has run out. @returns whether there was one */
  settleDue(): boolean {
    const now = this.#now();
    let settled = false;
    for (let next = this.#due.peek(); next && next.due <= now; next = this.#due.peek()) {
      this.#due.pop();
      if (!this.#isCurrent(next)) continue;
      settled = true;
      if (next.place === 'delayed') this.#enqueue(next.item);
      else this.#fail(next.item, expiredError(next.item.claimedBy as string));
    }
    return settled;
  }

  claim({ worker_id, count, lease, claim_token, fresh }: NewClaim): ClaimedItem[] {
    const again = fresh ? [] : [...this.#places.claimed].filter((item) => item.claimToken === claim_token);
    if (again.length > 0) return again.map(describeClaimed);
    const taken: Item[] = [];
    while (taken.length < count) {
      const next = this.#pending.pop();
      if (!next) break;
      if (next.item.place !== 'pending' || !this.#items.has(formatItemId(next.item.order))) continue;
      taken.push(next.item);
      next.item.attempts++;
      next.item.claimedBy = worker_id;
      next.item.claimedAt = wall(0);
      next.item.claimToken = claim_token;
      this.#hold(next.item, lease);
    }
    return taken.map(describeClaimed);
  }

  renew(id: string, token: string, lease: number): boolean {
    const item = this.#items.get(id);
    if (!item) return false;
    const { claim_token, expired } = this.#claimOf(item);
    if (claim_token !== token || expired) return false;
    this.#hold(item, lease);
    return true;
  }

  counts(): StoredCounts {
    const now = this.#now();
    const { pending, delayed, claimed, done, poisoned } = this.#places;
    const waiting = [...delayed].filter((item) => item.due > now).length;
    const reclaimable = [...claimed].filter(
      (item) => item.due <= now && afterFailure(shareOf(item)) === 'pending',
    );
    return {
      pending: pending.size + delayed.size - waiting,
      delayed: waiting,
      claimed: claimed.size,
      done: done.size,
      poisoned: poisoned.size,
      reclaimable: reclaimable.length,
    };
  }

  items({ ids, status, after, limit }: WorkFilter & { ids?: readonly string[] }): WorkItem[] {
    const found = ids ? [...ids].sort().flatMap((id) => this.#items.get(id) ?? []) : this.#items.values();
    const listed: Item[] = [];
    for (const item of found) {
      if (listed.length >= (limit ?? Number.POSITIVE_INFINITY)) break;
      if (after !== undefined && formatItemId(item.order) <= after) continue;
      if (!status || status.includes(statusOf(item))) listed.push(item);
    }
    return listed.map(describe);
  }

  /** Puts back what a worker has claimed. */
  reap(workerId: string, error: string): number {
    const reaped = [...this.#places.claimed].filter((item) => item.claimedBy === workerId);
    for (const item of reaped) this.#fail(item, error);
    return reaped.length;
  }

  requeue(ids: readonly string[] | null): number {
    const named = ids && new Set(ids.map((id) => this.#items.get(id)));
    const requeued = [...this.#places.poisoned].filter((item) => !named || named.has(item));
    for (const item of requeued) {
      item.attempts = 0;
      this.#putBack(item, 0);
    }
    return requeued.length;
  }

  remove(ids: readonly string[]): number {
    let removed = 0;
    for (const id of ids) {
      const item = this.#items.get(id);
      if (!item || item.place === 'claimed') continue;
      removed++;
      this.#places[item.place].delete(item);
      this.#items.delete(id);
      this.#byNonce.delete(item.new.nonce);
      if (item.new.dedupe !== null) this.#byDedupe.delete(item.new.dedupe);
    }
    return removed;
  }

  nextChange(): number | null {
    for (let next = this.#due.peek(); next; next = this.#due.peek()) {
      if (this.#isCurrent(next)) return Math.max(0, next.due - this.#now());
      this.#due.pop();
    }
    return null;
  }

  #isCurrent({ item, place, due }: Entry): boolean {
    return item.place === place && item.due === due && this.#places[place].has(item);
  }

  #claimOf(item: Item): { claim_token: string | null; expired: boolean } {
    return { claim_token: item.claimToken, expired: item.due <= this.#now() };
  }

  #fail(item: Item, error: string | null, { poison = false, delay = 0 } = {}): void {
    item.error = error;
    if (afterFailure(shareOf(item), poison) === 'poisoned') this.#end(item, 'poisoned');
    else this.#putBack(item, delay);
  }

  #end(item: Item, place: 'done' | 'poisoned'): void {
    item.finishedAt = wall(0);
    item.claimToken = null;
    this.#move(item, place);
  }

  #putBack(item: Item, delay: number): void {
    item.claimableAt = wall(delay);
    item.finishedAt = null;
    item.claimedBy = null;
    item.claimedAt = null;
    item.claimToken = null;
    if (delay > 0) this.#moveUntil(item, 'delayed', this.#now() + delay);
    else this.#enqueue(item);
  }

  #hold(item: Item, lease: number): void {
    item.leaseUntil = wall(lease);
    this.#moveUntil(item, 'claimed', this.#now() + lease);
  }

  #enqueue(item: Item): void {
    this.#move(item, 'pending');
    this.#pending.push({ item, place: 'pending', due: 0 });
  }

  #moveUntil(item: Item, place: 'delayed' | 'claimed', due: number): void {
    this.#move(item, place);
    item.due = due;
    this.#due.push({ item, place, due });
  }

  #move(item: Item, place: Place): void {
    this.#places[item.place].delete(item);
    this.#places[place].add(item);
    item.place = place;
  }
}
