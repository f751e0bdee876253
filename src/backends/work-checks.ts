import { FlatMachineError } from '../errors.ts';
import type { JsonValue } from '../types.ts';
import type { Finish, PushOptions } from './interfaces.ts';
import { boundedJson } from './signal-text.ts';
import type { NewItem, StoredFinish } from './work-store.ts';

const DEFAULT_MAX_RETRIES = 3;
const DEFAULT_LEASE = 60_000;

/** Longest delay or lease, milliseconds: a hundred years. */
const MAX_TIME = 100 * 366 * 24 * 3600 * 1000;

/** More attempts than anything gets; every store's integers hold it. */
const MAX_ATTEMPTS = 1_000_000_000;

/** Most UTF-16 units of an error that are kept: refusing a longer one would leave the item where it is. */
const MAX_ERROR = 65_536;

const MAX_DEDUPE = 500;
const FORBIDDEN_IN_DEDUPE = /[\p{Cc}\p{Cs}]/u;
const LONE_SURROGATE = /\p{Cs}/gu;
const ITEM_ID = /^[A-Za-z0-9_.:-]{1,100}$/;

/** Whether any store may have given this id to an item. */
export function isItemId(id: string): boolean {
  return typeof id === 'string' && ITEM_ID.test(id);
}

/** An item as it is stored. @throws FlatMachineError `not-json`, `too-large`, `usage` */
export function newItem(data: JsonValue, options: PushOptions, nonce: string): NewItem {
  const { max_retries = DEFAULT_MAX_RETRIES, delay = 0, priority = 0, dedupe = null } = options;
  if (!Number.isInteger(max_retries) || max_retries < 1 || max_retries > MAX_ATTEMPTS) {
    throw outOfRange('max_retries', 'a whole number from 1', max_retries);
  }
  if (!Number.isSafeInteger(priority)) throw outOfRange('priority', 'a safe integer', priority);
  if (dedupe !== null) checkDedupe(dedupe);
  const text = boundedJson(data, 'item');
  // + 0, since -0 is another text than 0.
  return { nonce, data: text, max_retries, delay: checkDelay(delay), priority: priority + 0, dedupe };
}

function checkDedupe(key: string): void {
  const valid =
    typeof key === 'string' &&
    key !== '' &&
    !FORBIDDEN_IN_DEDUPE.test(key) &&
    (key.length <= MAX_DEDUPE || [...key].length <= MAX_DEDUPE);
  if (!valid) throw outOfRange('dedupe', `1 to ${MAX_DEDUPE} characters, no control characters`, key);
}

/** Milliseconds of a delay, whole. @throws FlatMachineError `usage` */
export function checkDelay(delay: number): number {
  if (!(delay >= 0 && delay <= MAX_TIME)) throw outOfRange('delay', 'milliseconds, 0 or more', delay);
  return Math.ceil(delay);
}

/** Milliseconds of a lease, whole. @throws FlatMachineError `usage` */
export function checkLease(lease = DEFAULT_LEASE): number {
  if (!(lease > 0 && lease <= MAX_TIME)) throw outOfRange('lease', 'milliseconds above 0', lease);
  return Math.ceil(lease);
}

/** A bound on how many, absent = none. @throws FlatMachineError `usage` */
export function checkCount(count: number, name: string): number {
  if (!Number.isSafeInteger(count) || count < 0) throw outOfRange(name, 'a whole number from 0', count);
  return count;
}

/** Where a listing goes on; null = at the first. @throws FlatMachineError `usage` */
export function checkAfter(after: string): string | null {
  if (after === '') return null;
  if (!isItemId(after)) throw outOfRange('after', 'the id of an item', after);
  return after;
}

/** The end of an attempt as it is stored. @throws FlatMachineError `not-json`, `too-large`, `usage` */
export function storedFinish(finish: Finish, claim_token: string): StoredFinish {
  const base = { id: finish.id, claim_token, result: null, error: null, delay: 0, poison: false };
  if (finish.status === 'done') {
    return { ...base, status: 'done', result: boundedJson(finish.result ?? null, 'result') };
  }
  const { error, delay = 0, poison = false } = finish;
  return { ...base, status: 'failed', error: errorText(error), delay: checkDelay(delay), poison };
}

/** Text that every store can hold. */
function errorText(error = 'failed'): string {
  return String(error).slice(0, MAX_ERROR).replace(LONE_SURROGATE, '\u{fffd}').replaceAll('\0', '\u{fffd}');
}

function outOfRange(name: string, wanted: string, got: unknown): FlatMachineError {
  return new FlatMachineError('usage', `${name} must be ${wanted}, not ${String(got)}`);
}
