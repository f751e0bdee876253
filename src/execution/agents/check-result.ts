import { FlatMachineError } from '../../errors.ts';
import { isJsonObject, kindOf, toJson } from '../../json.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import { reportedError } from './errors.ts';
import type { AgentResult, ToolCall } from './interfaces.ts';

type Check = readonly [holds: (value: JsonValue) => boolean, expected: string];

const MAP: Check = [isJsonObject, 'a map'];
const TEXT: Check = [(value) => typeof value === 'string', 'text'];

/** What the fields of a result must be where they are there. */
const FIELDS: Readonly<Record<string, Check>> = {
  output: MAP,
  content: TEXT,
  usage: MAP,
  cost: [(value) => typeof value === 'number', 'a number'],
  metadata: MAP,
  finish_reason: TEXT,
  tool_calls: [
    (value) => Array.isArray(value) && value.every(isToolCall),
    'a list of {id, type, function: {name, arguments}}, all of them text',
  ],
};

/**
 * What an agent gave, as a result of our own: agents are others' code.
 * @throws FlatMachineError what the result's `error` reports, `agent` for what is no result, `not-json`
 */
export function checkedResult(given: unknown, agent: string): AgentResult {
  if (!isJsonObject(given)) {
    throw new FlatMachineError('agent', `agent "${agent}" gave ${kindOf(given)} instead of a result`);
  }
  const { error, ...result } = toJson(given, `result of agent "${agent}"`) as JsonObject;
  if (error != null) throw reportedError(error, agent);
  for (const [field, [holds, expected]] of Object.entries(FIELDS)) {
    const value = result[field];
    if (value == null || holds(value)) continue;
    throw new FlatMachineError(
      'agent',
      `agent "${agent}" gave a result whose \`${field}\` is not ${expected} but ${kindOf(value)}`,
    );
  }
  return result as AgentResult;
}

/** Whether a value is a tool call with all that a tool loop needs of one. */
export function isToolCall(value: unknown): value is ToolCall {
  if (!isJsonObject(value) || !isJsonObject(value.function)) return false;
  const { name, arguments: written } = value.function;
  return [value.id, name, written].every((text) => typeof text === 'string');
}
