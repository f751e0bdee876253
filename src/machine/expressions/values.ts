import { isJsonObject, kindOf } from '../../json.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import { MAX_TEXT, MAX_VALUE_DEPTH } from './limits.ts';

/** What an expression gives while it is evaluated; `undefined` is Jinja2's Undefined: something that is not there. */
export type Value = JsonValue | undefined;

/** A reason that has no place in a file yet; the closure that knows its place turns it into a FlatMachineError. */
export class ValueError extends Error {}

/** Own entry of a map, else undefined; everything that is not a map has no entries. */
export function own(value: Value, key: string): Value {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? (value as JsonObject)[key]
    : undefined;
}

/** Python's truth: null, false, 0, and empty text, lists and maps are false. */
export function truth(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'object') return value !== undefined && value !== 0 && value !== '';
  if (value === null) return false;
  if (Array.isArray(value)) return value.length > 0;
  for (const key in value) if (Object.hasOwn(value, key)) return true;
  return false;
}

/** Deep equality; values of different kinds are different, and undefined equals only itself. */
export function equals(a: Value, b: Value): boolean {
  return (
    a === b || (typeof a === 'object' && typeof b === 'object' && deepEquals(a, b, { left: 10_000_000 }, 0))
  );
}

function deepEquals(a: Value, b: Value, budget: { left: number }, depth: number): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (--budget.left < 0 || depth > MAX_VALUE_DEPTH)
    throw new ValueError('the values are too large to compare');
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => deepEquals(item, b[i], budget, depth + 1));
  }
  if (Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(
    (key) => Object.hasOwn(b, key) && deepEquals(own(a, key), own(b, key), budget, depth + 1),
  );
}

/** Order of two numbers or two texts (by code point). @throws ValueError for anything else */
export function order(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return orderTexts(a, b);
  throw new ValueError(`cannot order ${kindOf(a)} and ${kindOf(b)}`);
}

/** Order by code point, as Python has it; JavaScript's `<` puts characters beyond U+FFFF before some others. */
function orderTexts(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

function codePointRank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}

/** Whether `container` holds `item`: an item of a list, a part of a text, a key of a map. @throws ValueError for other containers */
export function contains(container: Value, item: Value): boolean {
  if (Array.isArray(container)) return container.some((each) => equals(each, item));
  if (typeof container === 'string') {
    if (typeof item !== 'string') throw new ValueError(`cannot look for ${kindOf(item)} in text`);
    return container.includes(item);
  }
  if (container === undefined) return false;
  if (!isJsonObject(container)) throw new ValueError(`cannot look into ${kindOf(container)}`);
  return typeof item === 'string' && Object.hasOwn(container, item);
}

/** As Jinja2 prints it: `True`, `False`, `None`, lists and maps as JSON, undefined as nothing. */
export function toText(value: Value): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return numberText(value);
    case 'boolean':
      return value ? 'True' : 'False';
    case 'undefined':
      return '';
    default:
      return value === null ? 'None' : dumpJson(value);
  }
}

/** As Python prints it, but integral numbers without `.0`: JSON does not tell 1 and 1.0 apart. */
function numberText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e-4 || value === 0 || !Number.isFinite(value)) return String(value === 0 ? 0 : value);
  return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
}

/** How {@link dumpJson} writes. */
export interface DumpOptions {
  /** Keys in alphabetical order. */
  sort?: boolean;
  /** Spaces per level; absent = on one line. */
  indent?: number | undefined;
}

/** JSON as Python's `json.dumps` spaces it, with characters beyond ASCII left readable. @throws ValueError past the bound */
export function dumpJson(value: Value, options: DumpOptions = {}): string {
  let length = 0;
  const emit = (text: string): string => {
    length += text.length;
    if (length > MAX_TEXT) throw new ValueError(`the text is longer than ${MAX_TEXT} characters`);
    return text;
  };
  const wrap = (open: string, parts: string[], close: string, depth: number): string => {
    if (options.indent === undefined) return open + parts.join(', ') + close;
    const pad = `\n${' '.repeat(options.indent * (depth + 1))}`;
    return open + pad + parts.join(`,${pad}`) + pad.slice(0, pad.length - options.indent) + close;
  };
  const write = (item: Value, depth: number): string => {
    if (typeof item === 'string') return emit(JSON.stringify(item));
    if (typeof item === 'number') return emit(numberText(item));
    if (item === null || typeof item === 'boolean') return emit(String(item));
    if (item === undefined) throw new ValueError('something undefined cannot be written as JSON');
    if (depth > MAX_VALUE_DEPTH) throw new ValueError('the value is nested too deeply to be written');
    const indent = options.indent === undefined ? 2 : 2 + options.indent * (depth + 1);
    if (indent > MAX_TEXT) throw new ValueError('the indentation is too wide');
    if (Array.isArray(item)) {
      if (item.length === 0) return emit('[]');
      length += indent * item.length;
      return wrap(
        '[',
        item.map((each) => write(each, depth + 1)),
        ']',
        depth,
      );
    }
    const keys = Object.keys(item);
    if (keys.length === 0) return emit('{}');
    if (options.sort) keys.sort(orderTexts);
    length += indent * keys.length;
    return wrap(
      '{',
      keys.map((key) => `${emit(JSON.stringify(key))}: ${write(own(item, key), depth + 1)}`),
      '}',
      depth,
    );
  };
  return write(value, 0);
}

/** The characters of a text by code point; indexing and length then count as Python does. */
export function characters(text: string): ArrayLike<string> {
  return /[\ud800-\udfff]/.test(text) ? Array.from(text) : text;
}

/** The items that a loop or filter goes through. @throws ValueError for what cannot be gone through */
export function iterate(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (value === undefined) return [];
  if (typeof value === 'string') return Array.from(value);
  if (isJsonObject(value)) return Object.keys(value);
  throw new ValueError(`cannot go through ${kindOf(value)}`);
}

/** Whether the value is a map. */
export function isMap(value: Value): value is JsonObject {
  return isJsonObject(value);
}
