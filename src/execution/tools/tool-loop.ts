import { FlatMachineError, isFlatMachineError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import type { ToolLoopSettings } from '../../machine/interfaces.ts';
import type { JsonObject } from '../../types.ts';
import { OneCall } from '../agents/agent-call.ts';
import type { AgentOutcome, AgentWork } from '../agents/call-agent.ts';
import type {
  AgentExecutor,
  AgentResult,
  Message,
  ToolDefinition,
  TurnRequest,
} from '../agents/interfaces.ts';
import { costOf } from '../agents/payload.ts';
import { contextForHook } from '../hook-calls.ts';
import type { Tool, ToolLoopSteering } from './interfaces.ts';
import { steer, tell } from './steering.ts';
import { type ReadToolCall, readToolCalls, ToolCalls } from './tool-calls.ts';
import { definitionOf } from './tool-definition.ts';
import { offeredTools } from './tool-set.ts';

/** Asks the model once; a resume is given what an earlier run was. */
export type AskTurn = (key: string, request: TurnRequest) => Promise<AgentResult>;

/** Why a loop has ended: the model answered in text, a transition or hooks ended it, or a bound was reached. */
export type LoopStop =
  | 'answer'
  | 'transition'
  | 'abort'
  | 'max_turns'
  | 'max_tool_calls'
  | 'max_cost'
  | 'total_timeout';

/** What a conversation begins with. Journaled: a resume goes on with the same one, and its time runs from then. */
type Opening = {
  /** Milliseconds since the epoch. */
  started_at: number;
  messages: Message[];
};

/**
 * Lets a model use tools until it answers in text, a conditional transition becomes true after a turn, hooks abort, or a bound is reached; then it is asked
 * once more, without tools. The tool calls of a turn are made in order, one after another. The conversation lives in the journal alone: a resume rebuilds it, asks no
 * turn again and makes no finished tool call again.
 *
 * `output` is the agent's structured output if it has one, else `{content, turn, tool_calls, stop}`: turns asked and tool calls made so far, and a {@link LoopStop}.
 * Conditions are asked in the middle with the same map, `stop` being null.
 * @param ask asks the model one journaled turn: `turn.0`, `turn.1`, …, `final`
 * @throws FlatMachineError `usage` for an agent that cannot converse, `tool` for tools that nobody offers, what a turn throws, and what ends the work
 */
export async function runToolLoop(
  work: AgentWork,
  executor: AgentExecutor,
  ask: AskTurn,
): Promise<AgentOutcome> {
  if (executor.open === undefined || executor.turn === undefined) {
    throw new FlatMachineError('usage', `agent "${work.agent.agent}" cannot be used with tool_loop`, {
      location: work.state.location,
      remedy: 'Use a type of agent that takes turns, e.g. flatagent.',
    });
  }
  const tools = await offeredTools(work, executor, contextForHook(work.context, work.facts));
  const opening = await open(work, executor);
  return new ToolLoop(work, executor, ask, tools, opening).run();
}

async function open(work: AgentWork, executor: AgentExecutor): Promise<Opening> {
  const entry = work.journal.get('open') as Opening | undefined;
  const opening = entry ?? {
    started_at: work.now(),
    messages: await executor.open!(work.input, work.context, new OneCall(work, 'open', 0)),
  };
  if (entry === undefined) await work.journal.put('open', opening as unknown as JsonObject);
  if (!work.journal.told('open'))
    tell(work, 'the conversation begins', { messages: opening.messages as unknown as JsonObject[] });
  return opening;
}

/** One conversation. */
class ToolLoop {
  readonly #work: AgentWork;
  readonly #executor: AgentExecutor;
  readonly #ask: AskTurn;
  readonly #calls: ToolCalls;
  readonly #tools: readonly ToolDefinition[];
  readonly #bounds: ToolLoopSettings;
  readonly #messages: Message[];
  /** Milliseconds since the epoch. */
  readonly #deadline: number;
  #turns = 0;
  #toolCalls = 0;
  #cost = 0;

  constructor(
    work: AgentWork,
    executor: AgentExecutor,
    ask: AskTurn,
    tools: ReadonlyMap<string, Tool>,
    opening: Opening,
  ) {
    this.#work = work;
    this.#executor = executor;
    this.#ask = ask;
    this.#calls = new ToolCalls(work, tools);
    this.#tools = [...tools.values()].map(definitionOf);
    this.#bounds = work.agent.toolLoop!;
    this.#messages = [...opening.messages];
    this.#deadline = opening.started_at + this.#bounds.totalTimeout * 1000;
  }

  async run(): Promise<AgentOutcome> {
    for (;;) {
      const stop = this.#boundBeforeTurn();
      if (stop !== null) return this.#finish(stop);
      const turn = this.#turns++;
      const result = await this.#turn(`turn.${turn}`, this.#tools);
      const calls = readToolCalls(result.tool_calls ?? [], turn);
      if (calls.length === 0) return this.#close(result, 'answer');
      this.#messages.push(assistantMessage(result, calls));
      const steering = await steer(this.#work, this.#calls, turn, calls);
      const reached = await this.#answer(calls, steering);
      if (steering.abort !== undefined) return this.#endEarly(result, 'abort', null);
      for (const content of steering.messages ?? []) this.#messages.push({ role: 'user', content });
      const to = this.#transition(result);
      if (to !== null) return this.#endEarly(result, 'transition', to);
      if (reached !== null) return this.#finish(reached);
    }
  }

  async #turn(key: string, tools: readonly ToolDefinition[]): Promise<AgentResult> {
    const result = await this.#ask(key, { messages: [...this.#messages], tools });
    this.#cost += costOf(result) ?? 0;
    return result;
  }

  #boundBeforeTurn(): LoopStop | null {
    if (this.#turns >= this.#bounds.maxTurns) return 'max_turns';
    if (this.#cost >= this.#bounds.maxCost) return 'max_cost';
    // A turn that was asked already is part of the conversation, however late it is taken up again.
    if (this.#calls.isMade(`turn.${this.#turns}`)) return null;
    return this.#secondsLeft() <= 0 ? 'total_timeout' : null;
  }

  /** Answers a turn's tool calls in order. @returns the bound that kept one from being made, or null */
  async #answer(
    calls: readonly ReadToolCall[],
    { skip = {}, abort }: ToolLoopSteering,
  ): Promise<LoopStop | null> {
    let reached: LoopStop | null = null;
    for (const call of calls) {
      const skipped = abort ?? (Object.hasOwn(skip, call.id) ? skip[call.id] : undefined);
      if (skipped === undefined) reached ??= this.#boundBeforeTool(call);
      const content =
        skipped !== undefined
          ? await this.#calls.refuse(call, skipped)
          : reached !== null
            ? await this.#calls.refuse(call, `${reached} is reached`)
            : await this.#make(call);
      this.#messages.push({ role: 'tool', tool_call_id: call.id, content });
    }
    return reached;
  }

  #boundBeforeTool(call: ReadToolCall): LoopStop | null {
    if (this.#toolCalls >= this.#bounds.maxToolCalls) return 'max_tool_calls';
    if (this.#calls.isMade(call.key)) return this.#calls.isRefused(call.key) ? 'total_timeout' : null;
    return this.#secondsLeft() <= 0 ? 'total_timeout' : null;
  }

  #make(call: ReadToolCall): Promise<string> {
    this.#toolCalls++;
    return this.#calls.once(call, Math.min(this.#bounds.toolTimeout, Math.max(0.01, this.#secondsLeft())));
  }

  #secondsLeft(): number {
    return this.#deadline === Number.POSITIVE_INFINITY
      ? this.#deadline
      : (this.#deadline - this.#work.now()) / 1000;
  }

  /** The state that the first conditional transition to be true leads to, or null. One that cannot be evaluated yet is not true. */
  #transition(result: AgentResult): string | null {
    const { state, scope, context } = this.#work;
    const seen = scope(this.#output(result, null), this.#calls.context ?? context);
    const taken = state.transitions.find(({ condition }) => {
      try {
        return condition?.(seen) ?? false;
      } catch (error) {
        if (isFlatMachineError(error, 'expression-error')) return false;
        throw error;
      }
    });
    return taken?.to ?? null;
  }

  /** A bound was reached: the model answers with what it has. */
  async #finish(stop: LoopStop): Promise<AgentOutcome> {
    const content = `Stop here: ${stop} is reached, and there are no more tools. Give your final answer now.`;
    this.#messages.push({ role: 'user', content });
    return this.#close(await this.#turn('final', []), stop);
  }

  async #close(last: AgentResult, stop: LoopStop): Promise<AgentOutcome> {
    const call = new OneCall(this.#work, 'close', this.#turns);
    const { tool_calls: _unanswered, ...answer } = last;
    const result = this.#executor.close === undefined ? answer : await this.#executor.close(answer, call);
    return this.#outcome(result, stop, null);
  }

  /** Ended by others in the middle: the last turn is no answer, and is not read as one. */
  #endEarly({ content }: AgentResult, stop: LoopStop, to: string | null): AgentOutcome {
    return this.#outcome({ content: content ?? null }, stop, to);
  }

  #outcome(result: AgentResult, stop: LoopStop, to: string | null): AgentOutcome {
    const facts = { turns: this.#turns, tool_calls: this.#toolCalls, stop };
    tell(this.#work, `the conversation ends: ${stop}`, facts);
    const output = isJsonObject(result.output) ? result.output : this.#output(result, stop);
    return { output, context: this.#calls.context, to };
  }

  #output({ content }: AgentResult, stop: LoopStop | null): JsonObject {
    return { content: content ?? '', turn: this.#turns, tool_calls: this.#toolCalls, stop };
  }
}

function assistantMessage({ content }: AgentResult, calls: readonly ReadToolCall[]): Message {
  return {
    role: 'assistant',
    content: content ?? '',
    tool_calls: calls.map(({ id, spoken, text }) => ({
      id,
      type: 'function',
      function: { name: spoken, arguments: text },
    })),
  };
}
