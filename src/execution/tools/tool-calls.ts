import { crashPoint } from '../../crash-points.ts';
import { errorType, FlatMachineError } from '../../errors.ts';
import { isJsonObject, toJson } from '../../json.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import type { AgentWork } from '../agents/call-agent.ts';
import type { ToolCall } from '../agents/interfaces.ts';
import { stopsWork } from '../agents/thrown.ts';
import { contextForHook, contextFromHook } from '../hook-calls.ts';
import { inTime } from './in-time.ts';
import type { RequestedToolCall, Tool, ToolInvocation, ToolResult } from './interfaces.ts';
import { bounded } from './text.ts';

/** What the journal keeps of a tool call, and the model is told of it. */
interface ToolEntry extends JsonObject {
  content: string;
  is_error: boolean;
  duration_ms: number;
  /** Whether it was answered without being made. */
  refused?: boolean;
}

/** A tool call that a model asks for, as far as it can be read. */
export interface ReadToolCall extends RequestedToolCall {
  /** Its place in the loop, `tool.{turn}.{place in the turn}`. */
  readonly key: string;
  /** Its name as the conversation has it. */
  readonly spoken: string;
  /** The arguments as the conversation has them: what the model wrote, or `{}` where that is no JSON object, which some providers refuse. */
  readonly text: string;
  /** The arguments as events have them: parsed, or what the model wrote. */
  readonly written: JsonValue;
  /** What is wrong with it, or null. */
  readonly problem: string | null;
}

/** Ids that every provider takes back. */
const ID = /^[\x21-\x7e]{1,512}$/;

/** Longest name of a tool that providers take. */
const MAX_NAME = 64;

/** Reads a model's tool calls. Ids that are missing, not the call's own, or not to be sent back are replaced. */
export function readToolCalls(calls: readonly ToolCall[], turn: number): ReadToolCall[] {
  const ids = new Set<string>();
  return calls.map(({ id: given, function: { name, arguments: text } }, place) => {
    const key = `tool.${turn}.${place}`;
    const id = ids.has(given) || !ID.test(given) ? key.replaceAll('.', '_') : given;
    ids.add(id);
    const common = { key, id, name, spoken: spokenName(name) };
    const parsed = parse(text);
    if (parsed !== null) {
      return {
        ...common,
        arguments: parsed,
        text: text.trim() === '' ? '{}' : text,
        written: parsed,
        problem: null,
      };
    }
    const problem = 'the arguments are not a JSON object';
    return { ...common, arguments: {}, text: '{}', written: text, problem };
  });
}

/** A name in the letters that every provider takes back: models make up tools whose names they refuse. */
function spokenName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, MAX_NAME) || '_';
}

/** The JSON map that a text is; null = it is none, or one that cannot be stored: it nests too deep, or a number is infinite. */
function parse(text: string): JsonObject | null {
  if (text.trim() === '') return {};
  try {
    const value = toJson(JSON.parse(text));
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** The tool calls of one loop. Each is made once, however often the work is done again. */
export class ToolCalls {
  readonly #work: AgentWork;
  readonly #tools: ReadonlyMap<string, Tool>;
  #context: JsonObject | null = null;

  constructor(work: AgentWork, tools: ReadonlyMap<string, Tool>) {
    this.#work = work;
    this.#tools = tools;
  }

  /** The context as tools have left it; null = unchanged. */
  get context(): JsonObject | null {
    return this.#context;
  }

  /** The context as hooks and tools see it: a copy. */
  contextForHook(): JsonObject {
    return contextForHook(this.#context ?? this.#work.context, this.#work.facts);
  }

  /** Whether the journal has this turn or call. */
  isMade(key: string): boolean {
    return this.#work.journal.get(key) !== undefined;
  }

  /** Whether the journal has this call as one that was not made. */
  isRefused(key: string): boolean {
    return (this.#work.journal.get(key) as ToolEntry | undefined)?.refused === true;
  }

  /** The tool that a call asks for, or null when there is none or the call cannot be read. */
  toolOf({ name, problem }: ReadToolCall): Tool | null {
    return problem === null ? (this.#tools.get(name) ?? null) : null;
  }

  /**
   * What the model is told of a call: as the journal has it if it was made before, else by making it.
   * @param timeout seconds
   * @throws what ends the work: lost leases, boxes and stores, a Pause, the signal's reason
   */
  once(call: ReadToolCall, timeout: number): Promise<string> {
    return this.#journaled(call, () => this.#make(call, timeout));
  }

  /** What the model is told of a call that is not made. */
  refuse(call: ReadToolCall, reason: string): Promise<string> {
    const entry = { content: `not run: ${reason}`, is_error: true, duration_ms: 0, refused: true };
    return this.#journaled(call, async () => entry);
  }

  async #journaled(call: ReadToolCall, make: () => Promise<ToolEntry>): Promise<string> {
    const { journal } = this.#work;
    let entry = journal.get(call.key) as ToolEntry | undefined;
    if (entry === undefined) {
      entry = await make();
      await journal.put(call.key, entry);
      crashPoint('tool.journaled');
    }
    if (isJsonObject(entry.context)) this.#context = entry.context;
    if (!journal.told(call.key)) this.#tell(call, entry);
    return entry.content;
  }

  async #make(call: ReadToolCall, timeout: number): Promise<ToolEntry> {
    this.#work.work.signal.throwIfAborted();
    const started = performance.now();
    crashPoint('tool.before');
    const result = await this.#result(call, timeout);
    crashPoint('tool.ran');
    const { hooks, state } = this.#work;
    const { id, name } = call;
    const requested = { id, name, arguments: call.arguments };
    const replaced = await hooks.onToolResult?.(state.name, requested, { ...result }, this.contextForHook());
    const { content, is_error, context } = checked(
      replaced ?? result,
      replaced === undefined ? `tool "${name}"` : 'onToolResult',
    );
    return {
      content: bounded(content),
      is_error: is_error ?? false,
      duration_ms: Math.round(performance.now() - started),
      ...(context === undefined ? {} : { context }),
    };
  }

  async #result(call: ReadToolCall, timeout: number): Promise<ToolResult> {
    if (call.problem !== null) return failure(call.problem);
    const tool = this.#tools.get(call.name);
    if (tool === undefined) {
      return failure(
        `there is no tool "${call.name}"; there are: ${[...this.#tools.keys()].join(', ') || 'none'}`,
      );
    }
    const { signal } = this.#work.work;
    try {
      return checked(await this.#run(tool, call, timeout), `tool "${tool.name}"`);
    } catch (thrown) {
      signal.throwIfAborted();
      if (stopsWork(thrown)) throw thrown;
      return failure(thrown instanceof Error ? `${errorType(thrown)}: ${thrown.message}` : String(thrown));
    }
  }

  async #run(tool: Tool, call: ReadToolCall, timeout: number): Promise<ToolResult> {
    const { work } = this.#work;
    const over = new AbortController();
    const invocation: ToolInvocation = {
      state: work.state,
      executionId: work.executionId,
      step: work.step,
      workId: work.workId,
      fence: work.fence,
      signal: AbortSignal.any([work.signal, over.signal]),
      deadline: work.deadline,
      emit: (event) => work.emit(event),
      callId: call.key,
      context: this.contextForHook(),
      timeout,
    };
    const running = (async () => tool.run(call.arguments, invocation))();
    return tool.keepsTime === true ? running : inTime(running, timeout, over, work.signal);
  }

  #tell(call: ReadToolCall, { content, is_error, duration_ms }: ToolEntry): void {
    this.#work.work.emit({
      type: 'tool_call',
      tool: call.name,
      call: call.key,
      call_id: call.id,
      arguments: call.written,
      is_error,
      duration_ms,
      result: content,
    });
  }
}

function failure(content: string): ToolResult {
  return { content, is_error: true };
}

/** @throws FlatMachineError `hook-failed` for what is no result of a tool */
function checked(result: unknown, source: string): ToolResult {
  if (!isJsonObject(result) || typeof result.content !== 'string') {
    throw new FlatMachineError(
      'hook-failed',
      `${source} must return {content, is_error?, context?} with a text as content`,
    );
  }
  const { content, is_error, context } = result;
  return {
    content,
    is_error: is_error === true,
    ...(context === undefined ? {} : { context: contextFromHook(context, source) }),
  };
}
