import type { EventDraft } from '../../../src/events.ts';
import type { AgentOutcome, AgentWork } from '../../../src/execution/agents/call-agent.ts';
import type { AgentExecutor, AgentResult, TurnRequest } from '../../../src/execution/agents/interfaces.ts';
import type { MachineHooks } from '../../../src/execution/interfaces.ts';
import type { Journal } from '../../../src/execution/journal.ts';
import { runToolLoop } from '../../../src/execution/tools/tool-loop.ts';
import { isJsonObject, toJson } from '../../../src/json.ts';
import type { CompiledTransition, Scope, ToolLoopSettings } from '../../../src/machine/interfaces.ts';
import type { JsonObject, JsonValue } from '../../../src/types.ts';

/** A tool call in short. */
export type Asked = readonly [name: string, args: JsonObject | string, id?: string];

/** What a model says in one turn: a text, or tool calls with a text beside them. */
export type Said = string | { calls: readonly Asked[]; content?: string; cost?: number };

/** What survives a crash, and what a test looks at. */
export interface LoopBench {
  entries: Map<string, JsonValue>;
  /** Entries whose events an interrupted run has stored. */
  told: Set<string>;
  events: EventDraft[];
  /** What the model was asked, in order; replayed turns are not asked. */
  requests: TurnRequest[];
  /** Milliseconds since the epoch. */
  now: number;
  journal: Journal;
  run(said: readonly Said[], options?: LoopOptions): Promise<AgentOutcome>;
}

export interface LoopOptions {
  hooks?: MachineHooks;
  loop?: Partial<ToolLoopSettings>;
  executor?: Partial<AgentExecutor>;
  context?: JsonObject;
  transitions?: readonly { when: (scope: Scope) => boolean; to: string }[];
  signal?: AbortSignal;
  /** Throws when the journal is given this key: the process dies before it is written. */
  dieAt?: string;
}

/** Thrown where a test lets the process die. */
export class Killed extends Error {}

/** A tool loop with a journal that survives its runs, and a model that says what it is told to. */
export function loopBench(): LoopBench {
  const entries = new Map<string, JsonValue>();
  const told = new Set<string>();
  const bench: LoopBench = {
    entries,
    told,
    events: [],
    requests: [],
    now: 1_000_000,
    journal: {
      entries: () => entries,
      get: (key) => entries.get(key),
      put: async (key, value) => void entries.set(key, toJson(value)),
      told: (key) => told.has(key),
    },
    run: (said, options = {}) => run(bench, said, options),
  };
  return bench;
}

async function run(bench: LoopBench, said: readonly Said[], options: LoopOptions): Promise<AgentOutcome> {
  const { entries } = bench;
  const journal: Journal = {
    entries: () => entries,
    get: (key) => entries.get(key),
    told: (key) => bench.told.has(key),
    put: async (key, value) => {
      if (options.dieAt === key) throw new Killed();
      if (entries.has(key)) throw new Error(`${key} is there already`);
      entries.set(key, toJson(value));
    },
  };
  const executor: AgentExecutor = {
    execute: async () => ({}),
    open: () => [{ role: 'user', content: 'begin' }],
    turn: async () => ({}),
    ...options.executor,
  };
  const ask = async (key: string, request: TurnRequest): Promise<AgentResult> => {
    const known = entries.get(key);
    if (isJsonObject(known)) return known.result as AgentResult;
    bench.requests.push(request);
    const turns = request.messages.filter(({ role }) => role === 'assistant').length;
    const result = resultOf(said[turns], turns);
    await journal.put(key, { result: result as JsonObject });
    return result;
  };
  return runToolLoop(workOf(bench, journal, options), executor, ask);
}

function resultOf(said: Said | undefined, turn: number): AgentResult {
  if (said === undefined) throw new Error(`nothing is scripted for turn ${turn}`);
  if (typeof said === 'string') return { content: said, finish_reason: 'stop' };
  return {
    content: said.content ?? '',
    ...(said.cost === undefined ? {} : { cost: said.cost }),
    finish_reason: 'tool_calls',
    tool_calls: said.calls.map(([name, args, id], n) => ({
      id: id ?? `id-${turn}-${n}`,
      type: 'function',
      function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) },
    })),
  };
}

function workOf(bench: LoopBench, journal: Journal, options: LoopOptions): AgentWork {
  const context = options.context ?? {};
  const transitions: CompiledTransition[] = [
    ...(options.transitions ?? []).map(({ when, to }) => ({ condition: when, source: to, to })),
    { condition: null, source: null, to: 'next' },
  ];
  const machine = { execution_id: 'e' } as unknown as Scope['machine'];
  const location = { file: 'm.yml', line: 1, column: 1 };
  const toolLoop: ToolLoopSettings = {
    maxTurns: Number.POSITIVE_INFINITY,
    maxToolCalls: Number.POSITIVE_INFINITY,
    toolTimeout: 20,
    totalTimeout: Number.POSITIVE_INFINITY,
    maxCost: Number.POSITIVE_INFINITY,
    allowedTools: null,
    deniedTools: [],
    ...options.loop,
  };
  const work = {
    state: { name: 's', transitions, location },
    agent: { agent: 'a', toolLoop },
    input: {},
    context,
    sessionId: null,
    baseOrdinal: 0,
    facts: machine,
    now: () => bench.now,
    scope: (output: JsonValue, now: JsonObject): Scope => ({
      context: now,
      input: {},
      output,
      machine,
      now: bench.now,
    }),
    work: {
      state: 's',
      executionId: 'e',
      step: 1,
      workId: 'bench.2',
      fence: { key: 'e', token: 1 },
      signal: options.signal ?? new AbortController().signal,
      deadline: null,
      emit: (event: EventDraft) => void bench.events.push(event),
    },
    journal,
    hooks: options.hooks ?? {},
  };
  return work as unknown as AgentWork;
}
