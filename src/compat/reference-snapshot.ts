import { FlatMachineError, toError } from '../errors.ts';
import { isJsonObject, toJson } from '../json.ts';
import type { LaunchIntent } from '../machine/snapshot.ts';
import type { JsonObject, JsonValue } from '../types.ts';

/** A checkpoint of the reference implementation, 1.0.0 to 4.x. Fields it has beside these are left out. */
export interface ReferenceSnapshot {
  execution_id: string;
  machine_name: string;
  spec_version: string;
  /** The state in hand; `start` at `machine_start` and `end` at `machine_end`, whatever states the machine has. */
  current_state: string;
  context: JsonObject;
  /** The step in hand, counted from 1; 0 at `machine_start`. */
  step: number;
  /** ISO 8601. */
  created_at: string;
  /** What the checkpoint was written at; empty where a JavaScript runtime gave none. */
  event: string;
  output: JsonValue;
  total_api_calls: number;
  total_cost: number;
  parent_execution_id: string | null;
  pending_launches: LaunchIntent[];
  /** 4.x, at `waiting`. */
  waiting_channel: string | null;
}

/**
 * Reads the text of a checkpoint.
 * @throws FlatMachineError `not-json` when it is torn, or not a checkpoint of this execution
 */
export function parseReferenceSnapshot(text: string, executionId: string): ReferenceSnapshot {
  const fields = parse(text);
  const { current_state, context, step } = fields;
  if (typeof current_state !== 'string' || !isJsonObject(context) || !isStep(step)) {
    throw new FlatMachineError('not-json', 'it has no current_state, context and step');
  }
  if (fields.execution_id !== executionId) {
    throw new FlatMachineError('not-json', `it belongs to execution ${JSON.stringify(fields.execution_id)}`);
  }
  return {
    execution_id: executionId,
    machine_name: textOf(fields.machine_name) ?? '',
    spec_version: textOf(fields.spec_version) ?? '',
    current_state,
    context,
    step,
    created_at: textOf(fields.created_at) ?? '',
    event: textOf(fields.event) ?? '',
    output: fields.output ?? null,
    total_api_calls: amount(fields.total_api_calls),
    total_cost: amount(fields.total_cost),
    parent_execution_id: textOf(fields.parent_execution_id),
    pending_launches: Array.isArray(fields.pending_launches) ? fields.pending_launches.flatMap(intent) : [],
    waiting_channel: textOf(fields.waiting_channel),
  };
}

function parse(text: string): JsonObject {
  let value: JsonValue;
  try {
    value = toJson(JSON.parse(text));
  } catch (cause) {
    throw new FlatMachineError('not-json', `it is torn: ${toError(cause).message}`, { cause });
  }
  if (isJsonObject(value)) return value;
  throw new FlatMachineError('not-json', 'it is not a map');
}

function isStep(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function textOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function amount(value: JsonValue | undefined): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}

function intent(value: JsonValue): LaunchIntent[] {
  if (!isJsonObject(value)) return [];
  const { execution_id, machine, input, launched } = value;
  if (typeof execution_id !== 'string' || typeof machine !== 'string') return [];
  return [{ execution_id, machine, input: isJsonObject(input) ? input : {}, launched: launched === true }];
}
