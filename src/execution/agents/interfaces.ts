import type { AgentDefinition } from '../../machine/interfaces.ts';
import type { JsonObject, JsonValue, MaybePromise } from '../../types.ts';
import type { WorkCall } from '../interfaces.ts';
import type { Sandbox, Tool } from '../tools/interfaces.ts';

/** One message of a conversation (FlatAgents runtime 1.0.0 `Message`). */
export interface Message {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  /** Of a `tool` message: which call it answers. */
  tool_call_id?: string;
  /** Of an `assistant` message. */
  tool_calls?: ToolCall[];
}

/** A tool call in a message (FlatAgents runtime 1.0.0 `ToolCall`). */
export interface ToolCall {
  id: string;
  type: 'function';
  function: {
    name: string;
    /** JSON text, as the model wrote it. */
    arguments: string;
  };
}

/** A tool as a model is told of it (FlatAgents runtime 1.0.0 `ToolDefinition`). */
export interface ToolDefinition {
  type: 'function';
  function: {
    name: string;
    description?: string;
    /** JSON Schema. */
    parameters?: JsonObject;
  };
}

/** Tokens and calls as the provider counts them; further fields of the provider's own. */
export interface Usage extends JsonObject {
  [key: string]: JsonValue;
}

/** What one call of an agent came to. Plain JSON: it is journaled as it is. All fields are optional, as in FlatAgents runtime 1.0.0 and later. */
export interface AgentResult {
  /** The structured answer. */
  output?: JsonObject | null;
  /** The answer as text. */
  content?: string | null;
  /** What the provider sent, where that is worth keeping. */
  raw?: JsonValue;
  /** Counts of the provider: `input_tokens`, `output_tokens`, `total_tokens`, and `api_calls` when the call took more than one. */
  usage?: Usage | null;
  /** As the provider reports it; never made up. */
  cost?: number | null;
  metadata?: JsonObject | null;
  /** `stop`, `length`, `tool_calls`, `content_filter`, or the provider's own word. */
  finish_reason?: string | null;
  tool_calls?: ToolCall[] | null;
}

/** What a call of an agent is told. */
export interface AgentCall extends WorkCall {
  /** Which call of this piece of work: `call.0`, `turn.3`. Unique in it, the same when a crash repeats it. */
  readonly call: string;
  /** How many calls of this piece of work were begun before this one; the same when a crash repeats it. */
  readonly index: number;
  /** How many agent calls the execution has begun before this one; the same when a crash repeats it. */
  readonly ordinal: number;
  /** Rendered `session_id` of the state, or null. */
  readonly sessionId: string | null;
  /** The slot of this execution. @throws FlatMachineError `tool` when no hooks offer one */
  sandbox(): Promise<Sandbox>;
  /** Tells of a piece of the answer while it comes in. */
  stream(text: string): void;
}

/** One turn of a conversation that a tool loop drives. */
export interface TurnRequest {
  messages: readonly Message[];
  /** Empty = the model must answer in text. */
  tools: readonly ToolDefinition[];
}

/** An agent ready to be called. Made once per run and state's agent; used by several calls at once. */
export interface AgentExecutor {
  /**
   * One whole call.
   * @throws FlatMachineError with a code that says what went wrong (`rate-limit`, `auth`, `context-length`, `server`, …), see {@link AgentFailure}
   */
  execute(input: JsonObject, context: JsonObject, call: AgentCall): Promise<AgentResult>;
  /** `metadata` of the flatagent: `parsing` and `validation` serve mdap_voting. */
  readonly metadata?: JsonObject;
  /** The messages a conversation about this input begins with. Present together with {@link turn}. */
  open?(input: JsonObject, context: JsonObject, call: AgentCall): MaybePromise<Message[]>;
  /**
   * Asks the model once. Agents without it cannot be used with `tool_loop`.
   * @param input what the conversation is about, as {@link open} was given it, e.g. for settings of the model that depend on it
   */
  turn?(request: TurnRequest, call: AgentCall, input: JsonObject, context: JsonObject): Promise<AgentResult>;
  /** Turns the last answer of a conversation into the call's result, e.g. parses its structured output. Absent = as it is. */
  close?(last: AgentResult, call: AgentCall): Promise<AgentResult>;
  /** Tools that the agent itself brings (MCP servers), for a tool loop. */
  tools?(call: AgentCall): MaybePromise<readonly Tool[]>;
  /** The run is done with it: ends processes and connections. */
  dispose?(): MaybePromise<void>;
}

/** Facts of a failed call, in `details` of its error. */
export interface AgentFailure extends JsonObject {
  /** HTTP status, or null. */
  status: number | null;
  /** Whether the same call may succeed later. */
  retryable: boolean;
  /** Seconds the provider asks to wait, or null. */
  retry_after: number | null;
}

/** What an adapter is given beside the definition. */
export interface AgentEnvironment {
  /** What relative paths in the run's input are relative to. */
  readonly cwd: string;
  /** Environment variables, for API keys. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Makes the executor of one agent. @throws FlatMachineError `missing-package`, `invalid-machine`, `file-not-found` */
export type AgentFactory = (
  definition: AgentDefinition,
  environment: AgentEnvironment,
) => MaybePromise<AgentExecutor>;

/** A kind of agent that machines can name as `type`. */
export interface AgentAdapter {
  readonly type: string;
  /** Imported only when a machine uses it. */
  readonly load: () => Promise<AgentFactory>;
}

/** Options of one call of a model (FlatAgents runtime 1.0.0 `LLMOptions`). */
export interface LLMOptions {
  temperature?: number;
  max_tokens?: number;
  tools?: ToolDefinition[];
  response_format?: { type: 'json_object' } | { type: 'text' };
}

/** A model (FlatAgents runtime 1.0.0 `LLMBackend`). */
export interface LLMBackend {
  /** As reported by the provider, over all calls. */
  readonly totalCost: number;
  readonly totalApiCalls: number;
  /** The answer's text. */
  call(messages: Message[], options?: LLMOptions): Promise<string>;
  /** What the provider sent. */
  callRaw(messages: Message[], options?: LLMOptions): Promise<JsonValue>;
}
