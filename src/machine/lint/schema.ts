import type { JsonValue } from '../../types.ts';
import { validateAgent, validateMachine, validateProfiles } from '../generated/validate.ts';
import type { ConfigPath } from '../source-map.ts';
import type { Report } from './report.ts';

/** What the precompiled validator says of one violation. */
interface Violation {
  instancePath: string;
  keyword: string;
  params: Record<string, unknown>;
  /** The part of the schema that it violates. */
  parentSchema: { properties?: Record<string, unknown>; 'x-expected'?: string };
}

interface Validate {
  (value: JsonValue): boolean;
  errors?: Violation[] | null;
}

/** What a value can be held against. */
export type SchemaName = 'flatmachine' | 'flatagent' | 'flatprofile';

const VALIDATORS = {
  flatmachine: validateMachine,
  flatagent: validateAgent,
  flatprofile: validateProfiles,
} as unknown as Readonly<Record<SchemaName, Validate>>;

/** Fields whose findings other rules word better. */
const ELSEWHERE = new Set(['/spec', '/spec_version']);

/**
 * Rules `unknown-field`, `missing-field`, `wrong-type`, `bad-value`: the schema's findings in words.
 * @param at where in the file `value` stands
 */
export function checkSchema(
  report: Report,
  name: SchemaName,
  value: JsonValue = report.loaded.config,
  at: ConfigPath = [],
): void {
  const validate = VALIDATORS[name];
  if (validate(value)) return;
  for (const violation of validate.errors ?? []) {
    if (violation.keyword === 'if' || (at.length === 0 && ELSEWHERE.has(violation.instancePath))) continue;
    explain(report, violation, at);
  }
}

function explain(
  report: Report,
  { instancePath, keyword, params, parentSchema }: Violation,
  at: ConfigPath,
): void {
  const path = [...at.map(String), ...parsePointer(instancePath)];
  const expected = parentSchema['x-expected'];
  const name = describe(path);
  switch (keyword) {
    case 'additionalProperties': {
      const field = String(params.additionalProperty);
      const fields = Object.keys(parentSchema.properties ?? {});
      const remedy = report.meant(field, fields) ?? `The fields are ${fields.join(', ')}.`;
      report.add('unknown-field', [...path, field], `${name} has no field "${field}"`, {
        part: 'key',
        remedy,
      });
      return;
    }
    case 'required':
      report.add('missing-field', path, `${name} needs the field "${params.missingProperty}"`, {
        part: 'key',
      });
      return;
    case 'type':
      report.add(
        'wrong-type',
        path,
        `${name} must be ${expected ?? typeWords(params.type)}, not ${said(report, path)}`,
      );
      return;
    case 'enum':
    case 'const': {
      const allowed = (keyword === 'enum' ? params.allowedValues : [params.allowedValue]) as JsonValue[];
      const value = valueAt(report.loaded.config, path);
      const remedy = typeof value === 'string' ? report.meant(value, allowed.map(String)) : undefined;
      const quoted = allowed.map((item) => `"${item}"`);
      const words = quoted.length > 2 ? `one of ${quoted.join(', ')}` : quoted.join(' or ');
      report.add('bad-value', path, `${name} must be ${words}, not ${said(report, path)}`, { remedy });
      return;
    }
    default:
      report.add(
        'bad-value',
        path,
        `${name} must be ${expected ?? bound(keyword, params)}, not ${said(report, path)}`,
      );
  }
}

function bound(keyword: string, params: Record<string, unknown>): string {
  const limit = String(params.limit);
  if (keyword === 'minimum') return `at least ${limit}`;
  if (keyword === 'maximum') return `at most ${limit}`;
  return keyword === 'exclusiveMinimum' ? `more than ${limit}` : `of the form ${String(params.pattern)}`;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'null',
};

function typeWords(type: unknown): string {
  const types = Array.isArray(type) ? type : [type];
  return types.map((one) => TYPE_WORDS[String(one)] ?? String(one)).join(' or ');
}

/** The value as it is, briefly. */
function said(report: Report, path: ConfigPath): string {
  const value = valueAt(report.loaded.config, path);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'object') return 'a map';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

function valueAt(root: JsonValue, path: ConfigPath): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, JsonValue>)[step];
  }
  return value;
}

function parsePointer(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** `state "review"`, `"to" of transition 2 of state "review"`, … */
function describe(path: readonly string[]): string {
  if (path.length === 0) return 'the file';
  const words: string[] = [];
  for (let i = 0; i < path.length; i++) {
    const step = path[i] as string;
    const owner = path[i - 1];
    if (owner !== undefined && NAMED.has(owner)) words[words.length - 1] = `${singular(owner)} "${step}"`;
    else if (/^\d+$/.test(step) && owner !== undefined) item(words, owner, Number(step) + 1);
    else words.push(`"${step}"`);
  }
  return words
    .filter((word, i) => word !== '"data"' || i === words.length - 1)
    .reverse()
    .join(' of ');
}

const NAMED = new Set(['states', 'agents', 'machines']);

/** `transition 2`; for lists without a plural name `item 2` of it. */
function item(words: string[], owner: string, number: number): void {
  if (owner.endsWith('s')) words[words.length - 1] = `${singular(owner)} ${number}`;
  else words.push(`item ${number}`);
}

function singular(plural: string): string {
  return plural.replace(/s$/, '');
}
