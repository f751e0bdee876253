import { FlatMachineError } from '../../errors.ts';
import { isJsonObject, toJson } from '../../json.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import { reportedError } from './call-error.ts';
import type { AgentResult, ToolCall } from './interfaces.ts';

/**
 * What an agent gave, as a result that can be relied upon: a copy, plain JSON, each field of its type. An output that is not a map stands under `value`.
 * @throws FlatMachineError what the result's `error` reports, `agent` for what is no result, `not-json`
 */
export function checkedResult(result: unknown, agent: string): AgentResult {
  if (!isJsonObject(result)) {
    throw new FlatMachineError('agent', `agent "${agent}" gave ${kindOf(result)} instead of a result`);
  }
  const { error, ...fields } = toJson(result, `result of agent "${agent}"`) as JsonObject;
  if (error != null) throw reportedError(error, agent);
  const wrong = Object.keys(FIELDS).find((name) => fields[name] != null && !FIELDS[name]?.(fields[name]));
  if (wrong !== undefined) {
    throw new FlatMachineError('agent', `agent "${agent}" gave ${kindOf(fields[wrong])} as \`${wrong}\``, {
      remedy: 'See docs/agents.md for what a result may hold.',
    });
  }
  const { output } = fields;
  if (output != null && !isJsonObject(output)) fields.output = { value: output };
  return fields as AgentResult;
}

const isText = (value: JsonValue | undefined): boolean => typeof value === 'string';

/** What the fields are where they are there. `output`, `raw` and fields of others may be anything; amounts that are none count as not reported. */
const FIELDS: Readonly<Record<string, (value: JsonValue | undefined) => boolean>> = {
  content: isText,
  usage: isJsonObject,
  metadata: isJsonObject,
  finish_reason: isText,
  tool_calls: (value) => Array.isArray(value) && value.every(isToolCall),
};

function isToolCall(value: unknown): value is ToolCall {
  if (!isJsonObject(value) || !isJsonObject(value.function)) return false;
  return isText(value.id) && isText(value.function.name) && isText(value.function.arguments);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : typeof value;
}
