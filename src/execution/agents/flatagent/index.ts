import { FlatMachineError } from '../../../errors.ts';
import { isJsonObject } from '../../../json.ts';
import type { AgentDefinition } from '../../../machine/interfaces.ts';
import type { JsonObject, JsonValue } from '../../../types.ts';
import { callModel } from '../../llm/call-model.ts';
import { McpServers } from '../../mcp/servers.ts';
import type { Tool } from '../../tools/interfaces.ts';
import { definitionOf } from '../../tools/tool-definition.ts';
import type {
  AgentCall,
  AgentExecutor,
  AgentFactory,
  AgentResult,
  Message,
  ToolDefinition,
  TurnRequest,
} from '../interfaces.ts';
import { ModelChoice } from './model-choice.ts';
import { type OutputFields, toSchema } from './output-schema.ts';
import { withOutput } from './parse-output.ts';
import { compilePrompts, type Prompts } from './prompts.ts';

/**
 * Makes the executor of a flatagent: a model, its prompts, its output fields and its MCP servers. Nothing is loaded or connected before the first call.
 * @throws FlatMachineError `invalid-machine` for a profile that does not exist, `template-error`
 */
export const flatagentFactory: AgentFactory = (definition, { env }) => {
  const data = dataOf(definition);
  const source = { data, profiles: definition.profiles, location: definition.location };
  const output = (isJsonObject(data.output) ? data.output : null) as OutputFields | null;
  const schema = output === null ? null : toSchema(output);
  return new FlatAgent({
    model: new ModelChoice(source, env),
    prompts: compilePrompts(data, schema, definition.location),
    output,
    schema,
    tools: toolsOf(data, definition),
    metadata: isJsonObject(definition.config.metadata) ? definition.config.metadata : {},
    connect: connector(data.mcp, definition, env),
  });
};

/** `data` of the flatagent, over that of its prompt (4.x). */
function dataOf({ config }: AgentDefinition): JsonObject {
  const data = isJsonObject(config.data) ? config.data : config;
  if (!isJsonObject(data.prompt)) return data;
  const { prompt, ...own } = data;
  return { ...(isJsonObject(prompt.data) ? prompt.data : prompt), ...own };
}

/** @throws FlatMachineError `invalid-machine` for a tool that is not in the function form */
function toolsOf({ tools }: JsonObject, { name, location }: AgentDefinition): ToolDefinition[] {
  return (Array.isArray(tools) ? tools : []).map((tool, i): ToolDefinition => {
    if (isToolDefinition(tool)) return tool;
    throw new FlatMachineError(
      'invalid-machine',
      `tool ${i + 1} of agent "${name}" has no \`function\` with a name`,
      {
        location,
        remedy: 'Write it as `{type: function, function: {name, description, parameters}}`.',
      },
    );
  });
}

function isToolDefinition(tool: unknown): tool is ToolDefinition {
  return isJsonObject(tool) && isJsonObject(tool.function) && typeof tool.function.name === 'string';
}

/** How the MCP servers are reached; null = there are none. */
function connector(
  mcp: JsonValue | undefined,
  definition: AgentDefinition,
  env: Readonly<Record<string, string | undefined>>,
): (() => McpServers) | null {
  if (!isJsonObject(mcp) || !isJsonObject(mcp.servers) || Object.keys(mcp.servers).length === 0) return null;
  return () => new McpServers(mcp, { agent: definition.name, dir: definition.dir, env });
}

interface Parts {
  model: ModelChoice;
  prompts: Prompts;
  output: OutputFields | null;
  schema: JsonObject | null;
  /** Told to the model; whoever runs the machine answers their calls. */
  tools: readonly ToolDefinition[];
  metadata: JsonObject;
  connect: (() => McpServers) | null;
}

class FlatAgent implements AgentExecutor {
  readonly metadata: JsonObject;
  readonly #parts: Parts;
  #servers: McpServers | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.metadata = parts.metadata;
  }

  async execute(input: JsonObject, context: JsonObject, call: AgentCall): Promise<AgentResult> {
    const tools = await this.#definitions(call);
    const messages = this.#open(input, context, tools);
    return this.close(await this.turn({ messages, tools }, call, input, context));
  }

  async open(input: JsonObject, context: JsonObject, call: AgentCall): Promise<Message[]> {
    return this.#open(input, context, await this.#definitions(call));
  }

  async turn(
    { messages, tools }: TurnRequest,
    call: AgentCall,
    input: JsonObject,
    context: JsonObject,
  ): Promise<AgentResult> {
    const model = this.#parts.model.for(input, context);
    const { settings } = model;
    // With tools the answer may be a call of one, which servers that force JSON do not let through.
    const json = this.#parts.schema === null || tools.length > 0 ? null : { schema: this.#parts.schema };
    const stream = settings.stream ? (text: string) => call.stream(text) : undefined;
    const request = { messages, tools, json };
    const { result } = await callModel(await model.open(), settings, request, {
      signal: call.signal,
      stream,
    });
    return result;
  }

  /** Reads the output fields; an answer that asks for tools has none yet. */
  async close(last: AgentResult): Promise<AgentResult> {
    const { output } = this.#parts;
    return output === null || last.tool_calls?.length ? last : withOutput(last, output);
  }

  async tools(call: AgentCall): Promise<readonly Tool[]> {
    if (this.#parts.connect === null) return [];
    this.#servers ??= this.#parts.connect();
    return this.#servers.tools(call.signal);
  }

  async dispose(): Promise<void> {
    await this.#servers?.close();
  }

  async #definitions(call: AgentCall): Promise<ToolDefinition[]> {
    const brought = await this.tools(call);
    return [...this.#parts.tools, ...brought.map(definitionOf)];
  }

  #open(input: JsonObject, context: JsonObject, tools: readonly ToolDefinition[]): Message[] {
    const { name, provider, sampling } = this.#parts.model.for(input, context).settings;
    const model = { name, provider, ...sampling } as JsonObject;
    return this.#parts.prompts.open({ input, context, model, tools });
  }
}
