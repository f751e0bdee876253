import { isJsonObject } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import type { AgentResult, Usage } from './interfaces.ts';

/** What a state gets of an agent's answer: its `output`, else `{content}`, else `{}`. */
export function payload(result: AgentResult): JsonObject {
  if (isJsonObject(result.output)) return result.output;
  return typeof result.content === 'string' ? { content: result.content } : {};
}

/** Whether an answer has nothing in it: an empty {@link payload} or a blank text, and no tool call. */
export function isEmpty(result: AgentResult): boolean {
  if (result.tool_calls != null && result.tool_calls.length > 0) return false;
  if (isJsonObject(result.output)) return Object.keys(result.output).length === 0;
  return (result.content ?? '').trim() === '';
}

/** What a call has used: calls as its provider counts them, one where it does not; cost as reported, 0 where it is not. */
export function spentBy(result: AgentResult): { calls: number; cost: number } {
  return { calls: callsIn(result.usage) ?? 1, cost: costOf(result) ?? 0 };
}

/** The cost of a call as the provider reports it; null when it reports none, or what no cost can be. */
export function costOf({ usage, cost }: AgentResult): number | null {
  const reported = usage?.cost;
  const total = isJsonObject(reported) ? reported.total : reported;
  return [cost, total].find(isAmount) ?? null;
}

function callsIn(usage: Usage | null | undefined): number | null {
  for (const name of ['api_calls', 'requests', 'calls']) {
    const count = usage?.[name];
    if (Number.isInteger(count) && isAmount(count)) return count;
  }
  return null;
}

/** Whether a budget can be charged with it: what is negative would fill it up again, what is infinite would empty it for good. */
function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}
