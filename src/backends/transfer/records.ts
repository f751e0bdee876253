import { FlatMachineError } from '../../errors.ts';
import type { ExecutionEvent } from '../../events.ts';
import { isJsonObject, parseJson } from '../../json.ts';
import type { MachineSnapshot } from '../../machine/snapshot.ts';
import type { JsonObject, JsonValue } from '../../types.ts';

/** Version of the format that is written. */
export const EXPORT_VERSION = 1;

/** One line of an export: JSON Lines, `export` first, `end` last, between them each execution's records, children before their parents. */
export type ExportRecord =
  | { kind: 'export'; version: number; execution_id: string }
  | { kind: 'step'; snapshot: MachineSnapshot; events: ExecutionEvent[] }
  | { kind: 'journal'; execution_id: string; work: number; key: string; value: JsonValue }
  | { kind: 'result'; execution_id: string; path: string; data: JsonValue }
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

const text: Field = (value) => typeof value === 'string';
const count: Field = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const any: Field = (value) => value !== undefined;
const textOrNull: Field = (value) => value === null || typeof value === 'string';
const numberOrNull: Field = (value) => value === null || typeof value === 'number';
const texts: Field = (value) => Array.isArray(value) && value.every((one) => typeof one === 'string');
const signal: Field = (value) => value === null || (isJsonObject(value) && value.data !== undefined);
const snapshot: Field = (value) =>
  isJsonObject(value) &&
  text(value.execution_id) &&
  count(value.step) &&
  text(value.status) &&
  isJsonObject(value.context);
const events: Field = (value) => Array.isArray(value) && value.every(isJsonObject);

const FIELDS: Readonly<Record<ExportRecord['kind'], Readonly<Record<string, Field>>>> = {
  export: { version: count, execution_id: text },
  step: { snapshot, events },
  journal: { execution_id: text, work: count, key: text, value: any },
  result: { execution_id: text, path: text, data: any },
  wait: {
    execution_id: text,
    work: count,
    channel: textOrNull,
    children: texts,
    deadline: numberOrNull,
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
  const bad = Object.entries(fields).find(([name, isGood]) => !isGood((value as JsonObject)[name]));
  if (bad !== undefined) throw notExported(line, `its "${bad[0]}" is missing or not what it should be`);
  return value as unknown as ExportRecord;
}

/** The error of a file that is not a whole export. */
export function notExported(line: number, why: string): FlatMachineError {
  return new FlatMachineError('usage', `line ${line} cannot be imported: ${why}`, {
    remedy: 'Give what `flatmachine export ID` has written, whole. Nothing was stored.',
  });
}
