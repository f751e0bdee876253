import { setOwn } from '../../json.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import type { Scope } from '../interfaces.ts';
import { ValueError } from './values.ts';

/*
 * The library wants integers as BigInt and tells values apart by `constructor`. Converting the whole context at each
 * evaluation would cost more than the evaluation, so maps and lists are wrapped and converted one entry at a time, when
 * it is read.
 */

/** Finds the JSON behind a wrapped list. */
const RAW = Symbol('raw');

/** A JSON value as the library sees it. */
function toCel(value: JsonValue): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? wrapList(value) : new LazyMap(value);
}

/** A Map in the eyes of the library that reads a JSON map. It has none of a Map's storage: making one costs nothing. */
class LazyMap {
  readonly raw: JsonObject;

  constructor(raw: JsonObject) {
    this.raw = raw;
  }

  get size(): number {
    return Object.keys(this.raw).length;
  }

  get(key: unknown): unknown {
    return typeof key === 'string' && Object.hasOwn(this.raw, key) ? toCel(this.raw[key]!) : undefined;
  }

  has(key: unknown): boolean {
    return typeof key === 'string' && Object.hasOwn(this.raw, key);
  }

  keys(): IterableIterator<string> {
    return Object.keys(this.raw).values();
  }

  *values(): IterableIterator<unknown> {
    for (const key of Object.keys(this.raw)) yield this.get(key);
  }

  *entries(): IterableIterator<[string, unknown]> {
    for (const key of Object.keys(this.raw)) yield [key, this.get(key)];
  }

  [Symbol.iterator](): IterableIterator<[string, unknown]> {
    return this.entries();
  }

  forEach(callback: (value: unknown, key: string) => void): void {
    for (const [key, value] of this.entries()) callback(value, key);
  }
}

Object.setPrototypeOf(LazyMap.prototype, Map.prototype);
Object.defineProperty(LazyMap.prototype, 'constructor', { value: Map });

/** `context`, with the facts of the run as `context.machine`. */
class LazyContext extends LazyMap {
  readonly #machine: JsonObject | undefined;

  constructor(raw: JsonObject, machine: JsonObject | undefined) {
    super(raw);
    this.#machine = machine;
  }

  override get(key: unknown): unknown {
    if (key !== 'machine') return super.get(key);
    return this.#machine && new LazyMap(this.#machine);
  }
}

Object.defineProperty(LazyContext.prototype, 'constructor', { value: Map });

/** An Array in the eyes of the library that reads a JSON list. */
function wrapList(list: JsonValue[]): unknown {
  return new Proxy([], new LazyList(list));
}

class LazyList implements ProxyHandler<unknown[]> {
  readonly #list: JsonValue[];

  constructor(list: JsonValue[]) {
    this.#list = list;
  }

  get(_target: unknown[], key: string | symbol, receiver: unknown): unknown {
    if (key === 'length') return this.#list.length;
    if (key === RAW) return this.#list;
    if (typeof key === 'string' && isIndex(key)) {
      const item = this.#list[Number(key)];
      return item === undefined ? undefined : toCel(item);
    }
    return Reflect.get(Array.prototype, key, receiver);
  }

  has(_target: unknown[], key: string | symbol): boolean {
    return Reflect.has(this.#list, key);
  }
}

function isIndex(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= 48 && first <= 57;
}

/** The variables of an evaluation; each is converted when it is read. */
export class CelVariables {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  get context(): unknown {
    return new LazyContext(this.#scope.context, this.#scope.machine);
  }

  get input(): unknown {
    return new LazyMap(this.#scope.input);
  }

  get output(): unknown {
    return toCel(this.#scope.output ?? null);
  }

  get now(): Date {
    if (this.#scope.now === undefined) throw new ValueError('`now` has no value here');
    return new Date(this.#scope.now);
  }
}

/** The variables, with the scope's locals of these names beside them. */
export function withLocals(scope: Scope, locals: readonly string[]): CelVariables {
  const variables = new CelVariables(scope);
  for (const name of locals) {
    const value = scope.locals && Object.hasOwn(scope.locals, name) ? scope.locals[name]! : null;
    Object.defineProperty(variables, name, { value: toCel(value) });
  }
  return variables;
}

/**
 * A result as JSON: integers as numbers, timestamps as RFC 3339 text, durations as text such as `90s`, bytes as base64.
 * @throws ValueError for what JSON cannot hold
 */
export function fromCel(value: unknown): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new ValueError('the result is not a finite number');
      return value + 0;
    case 'bigint':
      return fromInteger(value);
    case 'object':
      return value === null ? null : fromObject(value);
    default:
      throw new ValueError(`the result is not JSON: ${typeof value}`);
  }
}

function fromInteger(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new ValueError(`the integer ${value} is too large to be exact in JSON`);
  return number;
}

function fromObject(value: object): JsonValue {
  if (Array.isArray(value)) {
    const raw = (value as unknown as { [RAW]?: JsonValue[] })[RAW];
    return raw ?? value.map(fromCel);
  }
  if (value instanceof LazyMap) return value.raw;
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Map) return fromEntries(value.entries());
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return fromEntries(Object.entries(value));
  return fromLibraryType(value);
}

function fromEntries(entries: Iterable<[unknown, unknown]>): JsonObject {
  const map: JsonObject = {};
  for (const [key, item] of entries) setOwn(map, String(key), fromCel(item));
  return map;
}

/** Durations, unsigned integers and optional values are known by what they offer: the library is loaded lazily. */
function fromLibraryType(value: object): JsonValue {
  if ('nanos' in value && 'seconds' in value)
    return durationText(value.seconds as bigint, value.nanos as number);
  if ('hasValue' in value && 'value' in value) {
    const optional = value as { hasValue(): boolean; value(): unknown };
    return optional.hasValue() ? fromCel(optional.value()) : null;
  }
  if ('value' in value && typeof value.value === 'bigint') return fromInteger(value.value);
  throw new ValueError('the result is a type, which JSON cannot hold');
}

function durationText(seconds: bigint, nanos: number): string {
  const total = seconds * 1_000_000_000n + BigInt(nanos);
  const size = total < 0n ? -total : total;
  const fraction = String(size % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${total < 0n ? '-' : ''}${size / 1_000_000_000n}${fraction && `.${fraction}`}s`;
}
