import { tests } from '@bufbuild/cel-spec/testdata/conformance.js';

/** A value of the vectors in protobuf's JSON form. */
interface VectorValue {
  int64Value?: string;
  uint64Value?: string;
  doubleValue?: number | string;
  boolValue?: boolean;
  stringValue?: string;
  bytesValue?: string;
  nullValue?: null;
  listValue?: { values?: VectorValue[] };
  mapValue?: { entries?: { key: VectorValue; value: VectorValue }[] };
  typeValue?: string;
  objectValue?: { '@type': string; value?: string };
}

interface Vector {
  name?: string;
  expr: string;
  value?: VectorValue;
  evalError?: unknown;
  typedResult?: { result?: VectorValue };
  bindings?: Record<string, { value?: VectorValue }>;
  container?: string;
  disableCheck?: boolean;
  checkOnly?: boolean;
}

/** One case of the official suite. */
export interface CelCase {
  readonly id: string;
  readonly vector: Vector;
}

/** Suites of the core language; those about messages, enums, wrappers, unknowns and extensions have nothing to do with JSON. */
export const CORE_SUITES = [
  'basic',
  'comparisons',
  'conversions',
  'fields',
  'fp_math',
  'integer_math',
  'lists',
  'logic',
  'macros',
  'namespace',
  'parse',
  'plumbing',
  'string',
  'timestamps',
];

interface RawSuite {
  name: string;
  suites?: RawSuite[];
  tests?: { original: Vector }[];
}

const PROTO = /TestAllTypes|google\.protobuf\.(?!Timestamp|Duration)|proto[23]/;

/** Every case of the core suites that can be put in JSON's terms, with an id that is unique. */
export function celCases(): CelCase[] {
  const cases: CelCase[] = [];
  const ids = new Map<string, number>();
  const visit = (suite: RawSuite, path: string): void => {
    for (const inner of suite.suites ?? []) visit(inner, `${path}/${inner.name}`);
    for (const { original } of suite.tests ?? []) {
      const text = JSON.stringify(original);
      if (original.container || original.checkOnly || PROTO.test(text) || hasOther(original)) continue;
      const name = `${path}/${original.name ?? original.expr}`;
      const count = (ids.get(name) ?? 0) + 1;
      ids.set(name, count);
      cases.push({ id: count === 1 ? name : `${name}#${count}`, vector: original });
    }
  };
  for (const suite of (tests as unknown as RawSuite).suites ?? []) {
    if (CORE_SUITES.includes(suite.name)) visit(suite, suite.name);
  }
  return cases;
}

function hasOther(vector: Vector): boolean {
  return JSON.stringify(vector.value ?? null).includes('enumValue');
}

/**
 * The value that the environment is given for a vector's value; the harness has CEL's own number types.
 * @param literal evaluates a CEL literal: the library does not export all its types
 */
export function toLibrary(value: VectorValue, literal: (text: string) => unknown): unknown {
  if (value.int64Value !== undefined) return BigInt(value.int64Value);
  if (value.uint64Value !== undefined) return literal(`${value.uint64Value}u`);
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.bytesValue !== undefined) return new Uint8Array(Buffer.from(value.bytesValue, 'base64'));
  if (value.nullValue !== undefined) return null;
  if (value.listValue) return (value.listValue.values ?? []).map((item) => toLibrary(item, literal));
  if (value.mapValue) {
    return new Map(
      (value.mapValue.entries ?? []).map(({ key, value: item }) => [
        toLibrary(key, literal),
        toLibrary(item, literal),
      ]),
    );
  }
  const type = value.objectValue?.['@type'].endsWith('Timestamp') ? 'timestamp' : 'duration';
  if (value.objectValue) return literal(`${type}(${JSON.stringify(value.objectValue.value)})`);
  throw new Error(`a value that the harness does not know: ${JSON.stringify(value)}`);
}

/** A comparable form of an expected value. */
export function expected(value: VectorValue): unknown {
  if (value.int64Value !== undefined) return `int:${value.int64Value}`;
  if (value.uint64Value !== undefined) return `uint:${value.uint64Value}`;
  if (value.doubleValue !== undefined) return `double:${Number(value.doubleValue)}`;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.stringValue !== undefined) return `string:${value.stringValue}`;
  if (value.bytesValue !== undefined)
    return `bytes:${Buffer.from(value.bytesValue, 'base64').toString('hex')}`;
  if (value.nullValue !== undefined) return null;
  if (value.typeValue !== undefined) return `type:${value.typeValue.replace('null_type', 'null')}`;
  if (value.listValue) return (value.listValue.values ?? []).map(expected);
  if (value.mapValue) {
    return sorted(
      (value.mapValue.entries ?? []).map(({ key, value: item }) => [expected(key), expected(item)]),
    );
  }
  if (value.objectValue?.['@type'].endsWith('Timestamp'))
    return `time:${Date.parse(value.objectValue.value!)}`;
  if (value.objectValue?.['@type'].endsWith('Duration')) return `duration:${value.objectValue.value}`;
  throw new Error(`a value that the harness does not know: ${JSON.stringify(value)}`);
}

/** The same form of what the library gave. */
export function actual(value: unknown): unknown {
  if (typeof value === 'bigint') return `int:${value}`;
  if (typeof value === 'number') return `double:${value}`;
  if (typeof value === 'string') return `string:${value}`;
  if (typeof value === 'boolean' || value === null) return value;
  if (value instanceof Date) return `time:${value.getTime()}`;
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(actual);
  if (value instanceof Map) return sorted([...value].map(([key, item]) => [actual(key), actual(item)]));
  const object = value as Record<string, unknown>;
  if ('nanos' in object) return `duration:${String(value)}`;
  if ('name' in object && String(value).startsWith('Type<')) return `type:${object.name}`;
  if (typeof object.value === 'bigint') return `uint:${object.value}`;
  return sorted(Object.entries(object).map(([key, item]) => [mapKey(key), actual(item)]));
}

/** The library keeps keys of map literals as text, whatever they were. */
function mapKey(key: string): unknown {
  return `string:${key}`;
}

function sorted(pairs: unknown[][]): unknown {
  return { map: pairs.map((pair) => JSON.stringify(pair)).sort() };
}
