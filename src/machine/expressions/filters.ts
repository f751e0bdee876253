import { isJsonObject, kindOf } from '../../json.ts';
import type { JsonValue } from '../../types.ts';
import { checked } from './arithmetic.ts';
import { LIST_FILTERS } from './list-filters.ts';
import { type Callable, callable, textArgument, wholeNumber } from './signature.ts';
import { TEXT_FILTERS } from './text-filters.ts';
import { characters, dumpJson, toText, truth, type Value, ValueError } from './values.ts';

const VALUE_FILTERS: Readonly<Record<string, Callable>> = {
  default: callable('default_value boolean', defaultTo),
  d: callable('default_value boolean', defaultTo),
  length: callable('', lengthOf),
  count: callable('', lengthOf),
  int: callable('default base', (value, [absent, base]) => toInt(value, absent ?? 0, wholeNumber(base, 10))),
  float: callable('default', (value, [absent]) => toFloat(value, absent ?? 0)),
  round: callable('precision method', (value, [precision, method]) =>
    round(numberOf(value), wholeNumber(precision, 0), textArgument(method, 'common')),
  ),
  abs: callable('', (value) => Math.abs(numberOf(value))),
  tojson: callable('indent', (value, [indent]) => htmlSafe(dumpJson(value, jsonOptions(indent)))),
  fromjson: callable('', fromJson),
};

/** Every filter but those that apply another filter or test, by name. A Map: no inherited name is one. */
export const FILTERS: ReadonlyMap<string, Callable> = new Map(
  Object.entries({ ...VALUE_FILTERS, ...TEXT_FILTERS, ...LIST_FILTERS }),
);

function defaultTo(value: Value, [absent, boolean]: readonly Value[]): Value {
  return value === undefined || (truth(boolean) && !truth(value)) ? (absent ?? '') : value;
}

/** Characters, items or entries. */
export function lengthOf(value: Value): number {
  if (typeof value === 'string') return characters(value).length;
  if (Array.isArray(value)) return value.length;
  if (value === undefined) return 0;
  if (isJsonObject(value)) return Object.keys(value).length;
  throw new ValueError(`${kindOf(value)} has no length`);
}

function numberOf(value: Value): number {
  if (typeof value !== 'number') throw new ValueError(`a number is needed, not ${kindOf(value)}`);
  return value;
}

const FLOAT = /^\s*[+-]?(\d+(_\d+)*(\.(\d+(_\d+)*)?)?|\.\d+(_\d+)*)(e[+-]?\d+)?\s*$/i;

function toInt(value: Value, absent: Value, base: number): Value {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return Math.trunc(value) + 0;
  if (value === undefined) throw new ValueError('the value is undefined');
  if (typeof value !== 'string') return absent;
  const whole = parseWhole(value, base);
  if (whole !== null) return whole;
  const float = toFloat(value, null);
  return typeof float === 'number' ? Math.trunc(float) + 0 : absent;
}

/** Python's `int(text, base)` for whole numbers up to 2^53; null when it is none. */
function parseWhole(text: string, base: number): number | null {
  if (base < 2 || base > 36) throw new ValueError('the base is a number from 2 to 36');
  const match = /^\s*([+-]?)(?:0([xob]))?([0-9a-z]+(?:_[0-9a-z]+)*)\s*$/i.exec(text);
  if (!match) return null;
  const prefix = match[2]?.toLowerCase();
  if (prefix && { x: 16, o: 8, b: 2 }[prefix] !== base) return null;
  let result = 0;
  for (const digit of match[3]!.replaceAll('_', '')) {
    const value = Number.parseInt(digit, base);
    if (Number.isNaN(value)) return null;
    result = result * base + value;
  }
  if (!Number.isSafeInteger(result))
    throw new ValueError('the whole number is too large to be exact (beyond 2^53)');
  return match[1] === '-' ? 0 - result : result;
}

function toFloat(value: Value, absent: Value): Value {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return value;
  if (value === undefined) throw new ValueError('the value is undefined');
  if (typeof value !== 'string' || !FLOAT.test(value)) return absent;
  const result = Number(value.replaceAll('_', ''));
  return Number.isFinite(result) ? result + 0 : absent;
}

function round(value: number, precision: number, method: string): number {
  if (precision > 300 || precision < -300) throw new ValueError('the precision is out of range');
  if (method === 'common') return roundHalfEven(value, precision) + 0;
  if (method !== 'ceil' && method !== 'floor') throw new ValueError('the method is common, ceil or floor');
  const factor = 10 ** precision;
  const scaled = value * factor;
  if (!Number.isFinite(scaled)) return value;
  return checked(Math[method](scaled) / factor, value, precision);
}

/** Python's `round`: exact ties go to the even digit. */
function roundHalfEven(value: number, precision: number): number {
  if (Math.abs(value) >= 1e21 || precision > 70) return value;
  if (precision < 0) {
    const unit = 10 ** -precision;
    return roundHalfEven(value / unit, 0) * unit;
  }
  const digits = Math.abs(value).toFixed(Math.min(100, precision + 30));
  const kept = digits.slice(0, digits.length - 30);
  const dropped = digits.slice(digits.length - 30);
  const whole = kept.endsWith('.') ? kept.slice(0, -1) : kept;
  const even = /[02468]$/.test(whole);
  const tie = /^50*$/.test(dropped);
  const rounded = tie && even ? Number(whole) : Number(Math.abs(value).toFixed(precision));
  return value < 0 ? -rounded : rounded;
}

function jsonOptions(indent: Value): { sort: true; indent: number | undefined } {
  if (indent === undefined || indent === null) return { sort: true, indent: undefined };
  return { sort: true, indent: Math.max(0, wholeNumber(indent, 0)) };
}

/** As Jinja2's `tojson`: safe inside HTML, and still the same JSON. */
function htmlSafe(json: string): string {
  return json.replace(/[<>&']/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

function fromJson(value: Value): JsonValue {
  const text = typeof value === 'string' ? value : toText(value);
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new ValueError(`the text is not JSON: ${(error as Error).message}`);
  }
}
