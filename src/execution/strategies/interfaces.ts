import type { JsonObject, MaybePromise } from '../../types.ts';
import type { AgentFailure, AgentResult } from '../agents/interfaces.ts';

/** A call that was made, in this run or an earlier one. */
export type CallOutcome =
  | {
      readonly result: AgentResult;
      readonly error?: undefined;
      readonly failure?: undefined;
      readonly replayed: boolean;
    }
  | {
      readonly result?: undefined;
      readonly error: Error;
      /** What is known of the failure beside its error; null = nothing. */
      readonly failure: AgentFailure | null;
      readonly replayed: boolean;
    };

/** What a strategy calls. Every call is journaled: a resume gets what an earlier run was given, and pays nothing for it. */
export interface StrategyExecutor {
  /** Makes the next call (numbered in the order they are asked for). @throws what the agent threw */
  execute(input: JsonObject, context?: JsonObject): Promise<AgentResult>;
  /** Makes call number `index`, and tells rather than throws. `replayed` = an earlier run made it. */
  attempt(index: number, input: JsonObject, context?: JsonObject): Promise<CallOutcome>;
  /** `metadata` of the flatagent. */
  readonly metadata: JsonObject;
  /** How many calls may be under way at once. */
  readonly concurrency: number;
  /** Waits; rejects with the signal's reason when the work must stop. @param seconds 0 = not at all */
  sleep(seconds: number): Promise<void>;
  /** Keeps a note with the step, as a `log` event. */
  log(message: string, data: JsonObject): void;
  /** 0 ≤ r < 1, from the injected source. */
  random(): number;
  /** Aborts when the work must stop. */
  readonly signal: AbortSignal;
}

/** How an agent is called in a state (FlatAgents runtime 1.0.0 `ExecutionType`). */
export interface ExecutionType {
  execute(executor: StrategyExecutor, input: JsonObject, context: JsonObject): Promise<AgentResult>;
}

/** Makes an execution type from the state's `execution` map. @throws FlatMachineError `usage` for options it cannot use */
export type ExecutionTypeFactory = (config: JsonObject) => MaybePromise<ExecutionType>;
