import { FlatMachineError } from '../errors.ts';
import type { ExecutionEvent } from '../events.ts';
import type { MachineSnapshot } from '../machine/snapshot.ts';
import { checksum } from './checksum.ts';

/** Fields that hardly ever change between two steps of an execution: stored once, in `origins`. */
const ORIGIN_FIELDS = [
  'machine_name',
  'spec_version',
  'parent_execution_id',
  'input',
  'config_hash',
  'machine_file',
  'options',
  'depth',
  'machine_path',
] as const satisfies readonly (keyof MachineSnapshot)[];

/** The part of a snapshot that {@link ORIGIN_FIELDS} names. */
export type Origin = Pick<MachineSnapshot, (typeof ORIGIN_FIELDS)[number]>;

/** A step as text. */
export interface EncodedStep {
  created_at: string;
  /** The state it goes on with, or ended in. */
  state: string;
  checksum: number;
  body: string;
  /** Null when there are none. */
  events: string | null;
}

/** A step's row joined with its execution and its origin. */
export interface StepRow {
  execution_id: string;
  step: number;
  created_at: string;
  checksum: number;
  body: string;
  events: string | null;
  /** Null when the origin is missing, which only damage can do. */
  origin: string | null;
}

/** The origin of a snapshot, by reference. */
export function originOf(snapshot: MachineSnapshot): Origin {
  const origin: Partial<Record<keyof Origin, unknown>> = {};
  for (const field of ORIGIN_FIELDS) if (snapshot[field] !== undefined) origin[field] = snapshot[field];
  return origin as Origin;
}

/** Whether `snapshot` has this origin, told cheaply: maps must be the very same ones. */
export function hasOrigin(snapshot: MachineSnapshot, origin: Origin): boolean {
  return ORIGIN_FIELDS.every((field) => snapshot[field] === origin[field]);
}

/**
 * A step as it is stored, without what its row and its origin say. One pass over the context.
 * @throws FlatMachineError `not-json`
 */
export function encodeStep(snapshot: MachineSnapshot, events: readonly ExecutionEvent[] = []): EncodedStep {
  const {
    execution_id: _id,
    step: _step,
    machine_name: _name,
    spec_version: _version,
    parent_execution_id: _parent,
    input: _input,
    config_hash: _hash,
    machine_file: _file,
    options: _options,
    depth: _depth,
    machine_path: _path,
    created_at,
    ...rest
  } = snapshot;
  const body = encode(rest);
  const eventText = events.length === 0 ? null : encode(events.map((event) => shortEvent(event, snapshot)));
  const state = snapshot.next_state ?? snapshot.current_state;
  return { created_at, state, checksum: checksumOf(created_at, body, eventText), body, events: eventText };
}

/** The origin as it is stored. @throws FlatMachineError `not-json` */
export function encodeOrigin(origin: Origin): string {
  const json = encode(origin);
  return `${checksum(json)} ${json}`;
}

/** Thrown by the decoders for what does not match its checksum. */
class DamagedRecord extends Error {}

/** The snapshot of a row. @throws Error when it is damaged */
export function decodeSnapshot(row: StepRow): MachineSnapshot {
  if (row.origin === null || checksumOf(row.created_at, row.body, row.events) !== row.checksum) {
    throw new DamagedRecord('checksum mismatch');
  }
  return {
    execution_id: row.execution_id,
    step: row.step,
    created_at: row.created_at,
    ...decodeOrigin(row.origin),
    ...(JSON.parse(row.body) as Omit<MachineSnapshot, 'execution_id' | 'step' | 'created_at' | keyof Origin>),
  };
}

/** The events of a row whose snapshot was read. */
export function decodeEvents(row: StepRow, snapshot: MachineSnapshot): ExecutionEvent[] {
  if (row.events === null) return [];
  return (JSON.parse(row.events) as ShortEvent[]).map((event) => longEvent(event, snapshot));
}

function decodeOrigin(text: string): Origin {
  const space = text.indexOf(' ');
  const json = text.slice(space + 1);
  if (checksum(json) !== Number(text.slice(0, space))) throw new DamagedRecord('checksum mismatch');
  return JSON.parse(json) as Origin;
}

/** An event without what its step's record says anyway. `state: null` stands for an event outside of any state. */
type ShortEvent = { execution_id?: string; step?: number; state?: string | null };

function shortEvent(event: ExecutionEvent, snapshot: MachineSnapshot): ShortEvent {
  const { execution_id, step, state, ...rest } = event;
  const short: ShortEvent = rest as object;
  if (execution_id !== snapshot.execution_id) short.execution_id = execution_id;
  if (step !== snapshot.step) short.step = step;
  if (state !== snapshot.current_state) short.state = state ?? null;
  return short;
}

function longEvent(short: ShortEvent, snapshot: MachineSnapshot): ExecutionEvent {
  const { execution_id = snapshot.execution_id, step = snapshot.step, state, ...rest } = short;
  const place =
    state === null ? { execution_id, step } : { execution_id, step, state: state ?? snapshot.current_state };
  return { ...rest, ...place } as ExecutionEvent;
}

function encode(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new FlatMachineError('not-json', `a step cannot be stored: ${(cause as Error).message}`, { cause });
  }
}

function checksumOf(createdAt: string, body: string, events: string | null): number {
  const first = checksum(body, checksum(createdAt));
  return events === null ? first : checksum(events, first);
}
