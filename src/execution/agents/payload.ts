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

/** The cost of a call as the provider reports it; null when it does not. */
export function costOf({ usage, cost }: AgentResult): number | null {
  if (typeof cost === 'number') return cost;
  const reported = usage?.cost;
  const total = isJsonObject(reported) ? reported.total : reported;
  return typeof total === 'number' ? total : null;
}

function callsIn(usage: Usage | null | undefined): number | null {
  for (const name of ['api_calls', 'requests', 'calls']) {
    const count = usage?.[name];
    if (typeof count === 'number') return count;
  }
  return null;
}
