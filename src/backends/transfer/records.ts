import { FlatMachineError } from '../../errors.ts';
import type { ExecutionEvent, ExecutionStatus } from '../../events.ts';
import { isJsonObject, parseJson } from '../../json.ts';
import { type MachineSnapshot, TERMINAL_STATUSES } from '../../machine/snapshot.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import { MAX_STEP } from '../keys.ts';
import { RESULT_PATHS } from '../result-uri.ts';

/** Version of the format that is written. */
export const EXPORT_VERSION = 1;

/** One line of an export: JSON Lines, `export` first, `end` last, between them each execution's records, children before their parents. */
export type ExportRecord =
  | { kind: 'export'; version: number; execution_id: string }
  | { kind: 'step'; snapshot: MachineSnapshot; events: ExecutionEvent[] }
  | { kind: 'journal'; execution_id: string; work: number; key: string; value: JsonValue }
  | { kind: 'result'; execution_id: string; path: (typeof RESULT_PATHS)[number]; data: JsonValue }
  | WaitRecord
  | { kind: 'end'; executions: number };

/** What a parked execution waits for; `signal` is what it was given and has not used yet. */
export interface WaitRecord {
  kind: 'wait';
  execution_id: string;
  work: number;
  /** Null = it waits for `children`. */
  channel: string | null;
  children: string[];
  deadline: number | null;
  signal: { data: JsonValue } | null;
}

type Field = (value: JsonValue | undefined) => boolean;
type Fields = Readonly<Record<string, Field>>;

/** Farthest time that a `Date` has, milliseconds from the epoch. */
const MAX_TIME = 8.64e15;

const STATUSES = new Set<JsonValue | undefined>([
  ...(['running', 'waiting', 'limit', 'interrupted'] satisfies ExecutionStatus[]),
  ...TERMINAL_STATUSES,
]);

const text: Field = (value) => typeof value === 'string';
const count: Field = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const stepNumber: Field = (value) => count(value) && Number(value) <= MAX_STEP;
const any: Field = (value) => value !== undefined;
const map: Field = (value) => isJsonObject(value);
const textOrNull: Field = (value) => value === null || text(value);
const textOrNone: Field = (value) => value === undefined || text(value);
const time: Field = (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const deadline: Field = (value) => value === null || Math.abs(Number(value)) <= MAX_TIME;
const texts: Field = (value) => Array.isArray(value) && value.every(text);
const status: Field = (value) => STATUSES.has(value);
const path: Field = (value) => RESULT_PATHS.some((known) => known === value);
const signal: Field = (value) => value === null || (isJsonObject(value) && value.data !== undefined);
const snapshot: Field = (value) => isJsonObject(value) && badField(value, SNAPSHOT) === null;
const events: Field = (value) => Array.isArray(value) && value.every(map);

/** What stores keep apart, and what whoever lists an execution or goes on with it needs. */
const SNAPSHOT: Fields & Partial<Record<keyof MachineSnapshot, Field>> = {
  execution_id: text,
  machine_name: text,
  spec_version: text,
  current_state: text,
  context: map,
  step: stepNumber,
  created_at: time,
  status,
  next_state: textOrNull,
  work_step: count,
  input: map,
  config_hash: text,
  epoch: count,
  parent_execution_id: textOrNone,
  machine_file: textOrNone,
};

const FIELDS: Readonly<Record<ExportRecord['kind'], Fields>> = {
  export: { version: count, execution_id: text },
  step: { snapshot, events },
  journal: { execution_id: text, work: count, key: text, value: any },
  result: { execution_id: text, path, data: any },
  wait: {
    execution_id: text,
    work: count,
    channel: textOrNull,
    children: texts,
    deadline,
    signal,
  },
  end: { executions: count },
};

/**
 * Reads one line.
 * @param line counted from 1, for the message
 * @throws FlatMachineError `usage` for what is no record of an export
 */
export function parseRecord(json: string, line: number): ExportRecord {
  const value = parseJson(json);
  const kind = isJsonObject(value) && typeof value.kind === 'string' ? value.kind : '';
  const fields = Object.hasOwn(FIELDS, kind) ? FIELDS[kind as ExportRecord['kind']] : undefined;
  if (fields === undefined) throw notExported(line, 'it is no record of an export');
  const bad = badField(value as JsonObject, fields);
  if (bad !== null) throw notExported(line, `its "${bad}" is missing or not what it should be`);
  return value as unknown as ExportRecord;
}

function badField(record: JsonObject, fields: Fields): string | null {
  return Object.keys(fields).find((name) => !fields[name]?.(record[name])) ?? null;
}

/** The error of a file that is not a whole export. */
export function notExported(line: number, why: string): FlatMachineError {
  return new FlatMachineError('usage', `line ${line} cannot be imported: ${why}`, {
    remedy: 'Give what `flatmachine export ID` has written, whole. Nothing was stored.',
  });
}
