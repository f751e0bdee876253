import { createHash } from 'node:crypto';
import { FlatMachineError } from './errors.ts';
import type { JsonObject, JsonValue } from './types.ts';

/** Whether `value` is a map (not a list, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a value is, for messages: `a map`, `a list`, `text`, `null`. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'something undefined';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'text';
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`;
}

/** The value that a text is as JSON; undefined = it is none. */
export function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Deepest nesting that {@link toJson} accepts; deeper values would end in a stack overflow somewhere later. */
const MAX_DEPTH = 1000;

/** How much of the path to a value that is not JSON an error tells, UTF-16 units. */
const MAX_PATH = 300;

/**
 * A deep copy of `value` that shares nothing with it, checked to be JSON on the way.
 * Map entries that are `undefined` are left out, as `JSON.stringify` does.
 * @throws FlatMachineError `not-json`, naming the path, for functions, symbols, bigints, NaN, infinities, class instances and cycles
 */
export function toJson(value: unknown, path = 'value'): JsonValue {
  return copy(value, path, 0);
}

/** {@link toJson} of a map, without one of its keys: cheaper than deleting it from the copy, which would make that a slow object. */
export function toJsonWithout(value: JsonObject, omitted: string, path: string): JsonObject {
  return copyMap(value, path, 0, omitted);
}

function copy(value: unknown, path: string, depth: number): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw notJson(path, String(value));
      return value;
    case 'object':
      if (value === null) return null;
      if (depth > MAX_DEPTH) throw notJson(path, `nested deeper than ${MAX_DEPTH} levels, or a cycle`);
      if (Array.isArray(value)) return value.map((item, i) => copy(item, `${path}[${i}]`, depth + 1));
      return copyMap(value, path, depth);
    default:
      throw notJson(path, typeof value);
  }
}

function copyMap(value: object, path: string, depth: number, omitted?: string): JsonObject {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw notJson(path, `an instance of ${prototype.constructor?.name ?? 'a class'}`);
  }
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (item !== undefined && key !== omitted) setOwn(result, key, copy(item, `${path}.${key}`, depth + 1));
  }
  return result;
}

/** Sets an own property, `__proto__` included. */
export function setOwn(target: JsonObject, key: string, value: JsonValue): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}

function notJson(path: string, what: string): FlatMachineError {
  const place = path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path;
  return new FlatMachineError('not-json', `${place} is not JSON: ${what}`, { details: { path: place } });
}

/** JSON with sorted keys: equal values, equal text. */
export function canonicalJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, item) =>
    isJsonObject(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : item,
  );
}

/** SHA-256 of the canonical JSON, in hex. */
export function hashJson(value: JsonValue): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
