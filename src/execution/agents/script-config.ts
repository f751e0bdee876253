import { resolve } from 'node:path';
import { FlatMachineError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import { didYouMean } from '../../machine/expressions/suggest.ts';
import type { AgentDefinition } from '../../machine/interfaces.ts';
import { loadMachineFile } from '../../machine/load.ts';
import type { JsonObject, JsonValue, SourceLocation } from '../../types.ts';
import { isToolCall } from './check-result.ts';
import { AGENT_ERRORS, agentErrorCode } from './error-codes.ts';
import { reportedError } from './errors.ts';
import type { AgentResult, ToolCall } from './interfaces.ts';

/** A recorded answer. */
export interface ScriptAnswer {
  /** Seconds to wait before it. */
  readonly delay: number;
  /** Makes the error it is, or null. */
  readonly error: (() => FlatMachineError) | null;
  /** The result. @param ordinal number of the call, from which ids of tool calls are made that have none */
  readonly result: (ordinal: number) => AgentResult;
}

/** The recorded answers of one agent. */
export interface Script {
  /** One list for the whole execution; null = there is one per state. */
  readonly answers: readonly ScriptAnswer[] | null;
  readonly byState: ReadonlyMap<string, readonly ScriptAnswer[]>;
  readonly cycle: boolean;
  readonly metadata: JsonObject;
}

type Path = readonly (string | number)[];

const SCRIPT_FIELDS = ['answers', 'cycle', 'metadata'];
const RESULT_FIELDS = [
  'output',
  'content',
  'raw',
  'usage',
  'cost',
  'metadata',
  'finish_reason',
  'tool_calls',
];
const ANSWER_FIELDS = [...RESULT_FIELDS, 'delay', 'error'];
const ERROR_FIELDS = ['code', 'message', 'status', 'retryable', 'retry_after'];
const TOOL_CALL_FIELDS = ['tool', 'arguments', 'id'];

/** Reads and checks the config of a script agent. @throws FlatMachineError `invalid-machine` with the place, `file-not-found` */
export async function readScript(definition: AgentDefinition): Promise<Script> {
  const { config, dir, name, location } = definition;
  if (config.file === undefined) return new Reader(name, () => location).script(config);
  const inline = new Reader(name, () => location);
  inline.fields(config, ['file'], []);
  if (typeof config.file !== 'string') throw inline.bad(['file'], 'must be a path');
  const file = await loadMachineFile(resolve(dir, config.file));
  const [broken] = file.diagnostics;
  if (broken !== undefined)
    throw new FlatMachineError('invalid-machine', broken.message, { location: broken.location });
  return new Reader(name, (path) => file.locate(path)).script(file.config);
}

class Reader {
  readonly #agent: string;
  readonly #locate: (path: Path) => SourceLocation;

  constructor(agent: string, locate: (path: Path) => SourceLocation) {
    this.#agent = agent;
    this.#locate = locate;
  }

  script(config: JsonValue): Script {
    const map = Array.isArray(config) ? { answers: config } : this.fields(config, SCRIPT_FIELDS, []);
    const { answers, cycle = false, metadata = {} } = map;
    if (typeof cycle !== 'boolean') throw this.bad(['cycle'], 'must be true or false');
    if (!isJsonObject(metadata)) throw this.bad(['metadata'], 'must be a map');
    const at = Array.isArray(config) ? [] : ['answers'];
    const byState = new Map<string, readonly ScriptAnswer[]>();
    if (!isJsonObject(answers)) return { answers: this.#list(answers, at), byState, cycle, metadata };
    for (const [state, list] of Object.entries(answers)) byState.set(state, this.#list(list, [...at, state]));
    return { answers: null, byState, cycle, metadata };
  }

  /** A map that has none but these fields. */
  fields(value: JsonValue | undefined, known: readonly string[], path: Path): JsonObject {
    if (!isJsonObject(value)) throw this.bad(path, `must be a map with ${known.join(', ')}`);
    for (const field of Object.keys(value)) {
      if (known.includes(field)) continue;
      throw this.bad(
        [...path, field],
        'is not known',
        didYouMean(field, known, `There are: ${known.join(', ')}.`),
      );
    }
    return value;
  }

  bad(
    path: Path,
    what: string,
    remedy = 'See docs/execution-types.md for what a script may hold.',
  ): FlatMachineError {
    const where = path.length === 0 ? 'its config' : `\`${textOf(path)}\``;
    return new FlatMachineError('invalid-machine', `script agent "${this.#agent}": ${where} ${what}`, {
      location: this.#locate(path),
      remedy,
    });
  }

  #list(value: JsonValue | undefined, path: Path): ScriptAnswer[] {
    if (!Array.isArray(value)) throw this.bad(path, 'must be a list of answers');
    return value.map((answer, i) => this.#answer(answer, [...path, i]));
  }

  #answer(value: JsonValue, path: Path): ScriptAnswer {
    if (typeof value === 'string') return { delay: 0, error: null, result: () => ({ content: value }) };
    const { delay = 0, error, tool_calls, ...result } = this.fields(value, ANSWER_FIELDS, path);
    if (typeof delay !== 'number' || delay < 0) throw this.bad([...path, 'delay'], 'must be seconds');
    for (const field of ['output', 'usage', 'metadata'] as const) {
      if (result[field] != null && !isJsonObject(result[field]))
        throw this.bad([...path, field], 'must be a map');
    }
    if (result.content != null && typeof result.content !== 'string')
      throw this.bad([...path, 'content'], 'must be text');
    if (error != null) return { delay, error: this.#error(error, [...path, 'error']), result: () => ({}) };
    if (tool_calls == null) return { delay, error: null, result: () => ({ ...result }) as AgentResult };
    const calls = this.#toolCalls(tool_calls, [...path, 'tool_calls']);
    return {
      delay,
      error: null,
      result: (ordinal) => ({
        finish_reason: 'tool_calls',
        ...(result as AgentResult),
        tool_calls: calls.map((call, i) => ({ ...call, id: call.id || `call_${ordinal}_${i}` })),
      }),
    };
  }

  #error(value: JsonValue, path: Path): () => FlatMachineError {
    const error = this.fields(value, ERROR_FIELDS, path);
    const code = agentErrorCode(error.code);
    if (code === null) {
      const known = Object.keys(AGENT_ERRORS);
      throw this.bad(
        [...path, 'code'],
        'is no error of agents',
        didYouMean(String(error.code), known, `There are: ${known.join(', ')}.`),
      );
    }
    const message = error.message ?? `recorded ${code}`;
    return () => reportedError({ ...error, message }, this.#agent);
  }

  /** In the form of {@link ToolCall}, or short: `{tool, arguments}`. */
  #toolCalls(value: JsonValue, path: Path): ToolCall[] {
    if (!Array.isArray(value)) throw this.bad(path, 'must be a list of {tool, arguments}');
    return value.map((call, i) => {
      const at = [...path, i];
      if (isJsonObject(call) && call.function !== undefined) return this.#wholeCall(call, at);
      const { tool, arguments: given = {}, id = '' } = this.fields(call, TOOL_CALL_FIELDS, at);
      if (typeof tool !== 'string') throw this.bad([...at, 'tool'], 'must be the name of a tool');
      if (typeof id !== 'string') throw this.bad([...at, 'id'], 'must be text');
      // Text stays as it is: so a recording can have a model write bad JSON.
      const text = typeof given === 'string' ? given : JSON.stringify(given);
      return { id, type: 'function', function: { name: tool, arguments: text } };
    });
  }

  #wholeCall(call: JsonObject, path: Path): ToolCall {
    const whole: unknown = { id: '', type: 'function', ...call };
    if (isToolCall(whole)) return whole;
    throw this.bad(path, 'must have a `function` with `name` and `arguments`, both text');
  }
}

function textOf(path: Path): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? key : `.${key}`)).join('');
}
