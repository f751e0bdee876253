import type {
  LanguageModelV2FunctionTool,
  LanguageModelV2Message,
  LanguageModelV2Prompt,
  LanguageModelV2ToolResultPart,
} from '@ai-sdk/provider';
import { isJsonObject, parseJson } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import type { Message, ToolCall, ToolDefinition } from '../agents/interfaces.ts';

/** A conversation in the form of the provider packages. Tool messages that follow each other become one, as the providers want the results of one turn. */
export function toPrompt(messages: readonly Message[]): LanguageModelV2Prompt {
  const names = new Map<string, string>();
  const prompt: LanguageModelV2Prompt = [];
  for (const message of messages) {
    for (const call of message.tool_calls ?? []) names.set(call.id, call.function.name);
    const last = prompt.at(-1);
    if (message.role === 'tool' && last?.role === 'tool') last.content.push(toolResult(message, names));
    else prompt.push(toMessage(message, names));
  }
  return prompt;
}

function toMessage(message: Message, names: ReadonlyMap<string, string>): LanguageModelV2Message {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content };
    case 'user':
      return { role: 'user', content: [{ type: 'text', text: message.content }] };
    case 'assistant':
      return { role: 'assistant', content: assistantContent(message) };
    case 'tool':
      return { role: 'tool', content: [toolResult(message, names)] };
  }
}

type AssistantContent = Extract<LanguageModelV2Message, { role: 'assistant' }>['content'];

function assistantContent({ content, tool_calls = [] }: Message): AssistantContent {
  const parts: AssistantContent = tool_calls.map((call) => ({
    type: 'tool-call',
    toolCallId: call.id,
    toolName: call.function.name,
    input: argumentsOf(call),
  }));
  // Anthropic refuses empty texts.
  return content === '' && parts.length > 0 ? parts : [{ type: 'text', text: content }, ...parts];
}

/** The arguments as a map, which is all that every provider takes back. */
function argumentsOf(call: ToolCall): JsonObject {
  const text = call.function.arguments;
  const value = text === '' ? {} : parseJson(text);
  return isJsonObject(value) ? value : { arguments: text };
}

function toolResult(message: Message, names: ReadonlyMap<string, string>): LanguageModelV2ToolResultPart {
  const toolCallId = message.tool_call_id ?? '';
  return {
    type: 'tool-result',
    toolCallId,
    toolName: names.get(toolCallId) ?? 'tool',
    output: { type: 'text', value: message.content },
  };
}

/** Tools in the form of the provider packages. */
export function toTools(tools: readonly ToolDefinition[]): LanguageModelV2FunctionTool[] {
  return tools.map(({ function: { name, description, parameters } }) => ({
    type: 'function',
    name,
    ...(description === undefined ? {} : { description }),
    inputSchema: (parameters ?? {
      type: 'object',
      properties: {},
    }) as LanguageModelV2FunctionTool['inputSchema'],
  }));
}

/** The tools that a conversation speaks of, by name alone: Anthropic wants them told even when none is to be used any more. */
export function spokenOf(messages: readonly Message[]): ToolDefinition[] {
  const names = new Set(
    messages.flatMap((message) => message.tool_calls ?? []).map((call) => call.function.name),
  );
  return [...names].map((name) => ({ type: 'function', function: { name } }));
}
