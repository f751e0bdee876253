import { isJsonObject, parseJson, setOwn } from '../../../json.ts';
import type { OutputField } from '../../../machine/generated/types.ts';
import type { JsonObject, JsonValue } from '../../../types.ts';
import type { OutputFields } from './output-schema.ts';

/** A field of an answer that cannot be made what it should be. */
export class Mismatch extends Error {
  /** @param path of the field: `items[2].name` */
  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
    this.name = 'Mismatch';
  }
}

/** The declared fields of an answer, each made the type it should have where nothing is lost by it. Other fields are left out. @throws Mismatch */
export function coerceFields(map: JsonObject, fields: OutputFields, path = ''): JsonObject {
  const result: JsonObject = {};
  for (const [name, field] of Object.entries(fields)) {
    const at = path === '' ? name : `${path}.${name}`;
    const value = Object.hasOwn(map, name) ? map[name] : undefined;
    const missing = value === undefined || (value === null && field.type !== 'json');
    if (!missing) setOwn(result, name, coerce(value as JsonValue, field, at));
    else if (field.required !== false) throw new Mismatch(at, 'is missing');
    else if (value === null) setOwn(result, name, null);
  }
  return result;
}

function coerce(value: JsonValue, field: OutputField, at: string): JsonValue {
  const typed = TYPES[field.type](value, field, at);
  return field.enum === undefined ? typed : oneOf(typed, field.enum, at);
}

const TYPES: Record<OutputField['type'], (value: JsonValue, field: OutputField, at: string) => JsonValue> = {
  str: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
  int(value, _field, at) {
    const number = toNumber(value);
    if (number !== null && Number.isSafeInteger(number)) return number;
    throw new Mismatch(at, `is no whole number: ${shown(value)}`);
  },
  float(value, _field, at) {
    const number = toNumber(value);
    if (number !== null) return number;
    throw new Mismatch(at, `is no number: ${shown(value)}`);
  },
  bool(value, _field, at) {
    const known = typeof value === 'string' ? WORDS[value.trim().toLowerCase()] : value;
    if (typeof known === 'boolean') return known;
    throw new Mismatch(at, `is neither true nor false: ${shown(value)}`);
  },
  json: (value) => (typeof value === 'string' ? (fromText(value) ?? value) : value),
  list(value, { items }, at) {
    const list = typeof value === 'string' ? fromText(value) : value;
    if (!Array.isArray(list)) throw new Mismatch(at, `is no list: ${shown(value)}`);
    return items === undefined ? list : list.map((item, i) => coerce(item, items, `${at}[${i}]`));
  },
  object(value, { properties }, at) {
    const map = typeof value === 'string' ? fromText(value) : value;
    if (!isJsonObject(map)) throw new Mismatch(at, `is no map: ${shown(value)}`);
    return properties === undefined ? map : coerceFields(map, properties, at);
  },
};

const WORDS: Readonly<Record<string, boolean>> = { true: true, yes: true, false: false, no: false };

function toNumber(value: JsonValue): number | null {
  if (typeof value === 'number') return value;
  const isNumber =
    typeof value === 'string' && /^\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?\s*$/i.test(value);
  return isNumber && Number.isFinite(Number(value)) ? Number(value) : null;
}

/** The list or map that a text is; null = it is none. */
function fromText(text: string): JsonValue {
  return /^\s*[[{]/.test(text) ? (parseJson(text) ?? null) : null;
}

/** The member that the value is, small and capital letters alike. */
function oneOf(value: JsonValue, members: readonly string[], at: string): JsonValue {
  if (members.includes(value as string)) return value;
  const folded = typeof value === 'string' ? value.trim().toLowerCase() : null;
  const alike = members.filter((member) => member.toLowerCase() === folded);
  if (alike.length === 1) return alike[0] as string;
  throw new Mismatch(at, `must be one of ${members.join(', ')}, not ${shown(value)}`);
}

function shown(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
