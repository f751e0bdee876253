import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendSet, ClaimedItem, WorkPool } from '../../backends/interfaces.ts';
import type { JsonValue } from '../../types.ts';
import type { SetCase } from './place.ts';

/** A lease or delay that the cases let run out, milliseconds. */
export const SHORT = 250;

/** Claims one item, which has to be there. */
export async function claimed(pool: WorkPool, worker = 'w', lease?: number): Promise<ClaimedItem> {
  const item = await pool.claim(worker, lease === undefined ? {} : { lease });
  assert.ok(item, 'there should be something to claim');
  return item;
}

/** Waits until a delay or a lease has run out. */
export async function runOut(pool: WorkPool): Promise<void> {
  for (let wait = await pool.nextChange(); wait !== 0; wait = await pool.nextChange()) {
    assert.ok(wait !== null && wait > 0 && wait <= 60_000, `something runs out in ${wait} ms`);
    await sleep(Math.ceil(wait));
  }
}

/** Pushes these, in this order. @returns their ids */
export async function pushAll(pool: WorkPool, ...items: JsonValue[]): Promise<string[]> {
  return pool.pushMany(items.map((data) => ({ data })));
}

/** Data of what can be claimed, in the order in which it is. */
export async function drained(pool: WorkPool): Promise<JsonValue[]> {
  const found: JsonValue[] = [];
  for (let item = await pool.claim('drain'); item; item = await pool.claim('drain')) found.push(item.data);
  return found;
}

/** Where an item stands; undefined = it is gone. */
export async function statusOf(pool: WorkPool, id: string): Promise<string | undefined> {
  return (await pool.item(id))?.status;
}

/** A case that needs one pool. */
export function inPool(work: (pool: WorkPool) => Promise<void>): SetCase {
  return ({ work: backend }: BackendSet) => work(backend.pool('pool'));
}

/** Asserts that a time is about so many milliseconds from now. */
export function near(time: string | null, from: number): void {
  assert.match(time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const off = Math.abs(Date.parse(time ?? '') - Date.now() - from);
  assert.ok(off < 30_000, `${time} is ${off} ms off`);
}
