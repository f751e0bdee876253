import { isJsonObject } from '../../../json.ts';
import { compileTemplate } from '../../../machine/expressions/template.ts';
import type { Render, Scope } from '../../../machine/interfaces.ts';
import type { JsonObject, JsonValue, SourceLocation } from '../../../types.ts';
import type { Message, ToolDefinition } from '../interfaces.ts';
import { instruction } from './output-schema.ts';

/** The texts of an agent, compiled. */
export interface Prompts {
  /** The messages a conversation begins with. */
  open(values: PromptValues): Message[];
}

/** What an agent's templates see. */
export interface PromptValues {
  input: JsonObject;
  context: JsonObject;
  /** Settings of the model, without secrets; visible as `model`. */
  model: JsonObject;
  /** Visible as `tools`: name, description and parameters of each. */
  tools: readonly ToolDefinition[];
}

/**
 * Compiles `system`, `user`, `instruction_suffix` and `mcp.tool_prompt`.
 * @param schema of the output; null = the answer is text
 * @throws FlatMachineError `template-error`
 */
export function compilePrompts(
  data: JsonObject,
  schema: JsonObject | null,
  location: SourceLocation,
): Prompts {
  const text = (value: JsonValue | undefined): Render | null =>
    typeof value === 'string' && value !== '' ? compileTemplate(value, 'text', location) : null;
  const system = text(data.system);
  const user = text(data.user);
  const suffix = text(data.instruction_suffix);
  const toolPrompt = text(isJsonObject(data.mcp) ? data.mcp.tool_prompt : undefined);
  const placed = [data.system, data.user].some(mentionsToolPrompt);

  return {
    open({ input, context, model, tools }) {
      const listed = tools.map(({ function: tool }) => ({ ...tool })) as JsonObject[];
      const toolText = toolPrompt
        ? show(toolPrompt({ input, context, locals: { model, tools: listed } }))
        : '';
      const scope: Scope = { input, context, locals: { model, tools: listed, tools_prompt: toolText } };
      const ask = [user, suffix].flatMap((render) => (render ? [show(render(scope))] : []));
      const rules = [
        ...(system ? [show(system(scope))] : []),
        ...(placed ? [] : [toolText]),
        ...(schema === null ? [] : [instruction(schema)]),
      ];
      const messages: Message[] = [
        { role: 'system', content: join(rules) },
        { role: 'user', content: join(ask) },
      ];
      return messages.filter(({ role, content }) => role === 'user' || content !== '');
    },
  };
}

/** Whether a template says itself where the text about the tools goes. */
function mentionsToolPrompt(template: JsonValue | undefined): boolean {
  return typeof template === 'string' && /\btools_prompt\b/.test(template);
}

function join(texts: readonly string[]): string {
  return texts.filter((text) => text.trim() !== '').join('\n\n');
}

/** A bare path gives a value of any kind. */
function show(value: JsonValue): string {
  if (typeof value === 'string') return value;
  return value === null ? '' : JSON.stringify(value);
}
