import { FlatMachineError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import type { AgentWork } from '../agents/call-agent.ts';
import type { ToolLoopSteering } from './interfaces.ts';
import type { ReadToolCall, ToolCalls } from './tool-calls.ts';

/**
 * What the hooks say to the tool calls of a turn. Journaled when it is anything, since it is part of the conversation.
 * @throws FlatMachineError `hook-failed` for what the loop cannot understand; what the hooks throw
 */
export async function steer(
  work: AgentWork,
  toolCalls: ToolCalls,
  turn: number,
  calls: readonly ReadToolCall[],
): Promise<ToolLoopSteering> {
  const { hooks, journal, state } = work;
  const asked = calls.filter((call) => toolCalls.toolOf(call) !== null);
  if (hooks.onToolCalls === undefined || asked.length === 0) return {};
  const key = `steer.${turn}`;
  let steering = journal.get(key) as ToolLoopSteering | undefined;
  if (steering === undefined) {
    // They were asked before the first call was made, and had nothing to say.
    if (calls.some((call) => toolCalls.isMade(call.key))) return {};
    const requested = asked.map(({ id, name, arguments: given }) => ({ id, name, arguments: given }));
    const said = await hooks.onToolCalls(state.name, requested, toolCalls.contextForHook());
    if (said === undefined || Object.keys(said).length === 0) return {};
    steering = checked(said);
    await journal.put(key, { ...steering } as JsonObject);
  }
  if (!journal.told(key)) tell(work, `hooks steer turn ${turn}`, { ...steering } as JsonObject);
  return steering;
}

function checked(said: ToolLoopSteering): ToolLoopSteering {
  const { skip = {}, messages = [], abort = '' } = said;
  if (isJsonObject(skip) && Array.isArray(messages)) {
    const texts = [...Object.values(skip), ...messages, abort];
    if (texts.every((text) => typeof text === 'string')) return said;
  }
  throw new FlatMachineError(
    'hook-failed',
    'onToolCalls must return {skip?: {id: reason}, messages?: [text], abort?: reason}',
  );
}

/** Keeps a part of the conversation, which neither a turn nor a tool call is, with the step. */
export function tell(work: AgentWork, what: string, data: JsonObject): void {
  work.work.emit({ type: 'log', level: 'debug', message: `agent "${work.agent.agent}": ${what}`, data });
}
