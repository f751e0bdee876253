import { toJson } from '../../json.ts';
import { sleep } from '../../timers.ts';
import type { JsonObject } from '../../types.ts';
import type { Calls } from '../agents/calls.ts';
import type { AgentCall, AgentResult } from '../agents/interfaces.ts';
import type { CallOutcome, StrategyExecutor } from './interfaces.ts';

/** What a {@link JournaledExecutor} calls, and how. */
export interface JournaledCalls {
  readonly calls: Calls;
  /** The journal key of call number `index`. */
  readonly key: (index: number) => string;
  /** Makes a call. */
  readonly make: (input: JsonObject, context: JsonObject, call: AgentCall) => Promise<AgentResult>;
  /** What calls are given that bring no context of their own. */
  readonly context: JsonObject;
  readonly metadata: JsonObject;
  readonly concurrency: number;
  readonly random: () => number;
  readonly log: (message: string, data: JsonObject) => void;
}

/** An agent as strategies see it: every call goes through the journal and the budget. */
export class JournaledExecutor implements StrategyExecutor {
  readonly #calls: JournaledCalls;
  #next = 0;

  constructor(calls: JournaledCalls) {
    this.#calls = calls;
  }

  get metadata(): JsonObject {
    return this.#calls.metadata;
  }

  get concurrency(): number {
    return this.#calls.concurrency;
  }

  get signal(): AbortSignal {
    return this.#calls.calls.signal;
  }

  random(): number {
    return this.#calls.random();
  }

  log(message: string, data: JsonObject): void {
    this.#calls.log(message, data);
  }

  async execute(input: JsonObject, context?: JsonObject): Promise<AgentResult> {
    const { result, error } = await this.attempt(this.#next, input, context);
    if (result === undefined) throw error;
    return result;
  }

  attempt(index: number, input: JsonObject, context = this.#calls.context): Promise<CallOutcome> {
    this.#next = Math.max(this.#next, index + 1);
    const { calls, key, make } = this.#calls;
    return calls.once(key(index), (call) => make(copy(input), copy(context), call));
  }

  async sleep(seconds: number): Promise<void> {
    if (seconds > 0) await sleep(seconds * 1000, this.signal);
  }
}

/** Agents are given maps of their own: what one does to them, the next does not see. */
function copy(map: JsonObject): JsonObject {
  return toJson(map) as JsonObject;
}
