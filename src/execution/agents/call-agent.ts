import { FlatMachineError } from '../../errors.ts';
import { toJson } from '../../json.ts';
import type {
  AgentDefinition,
  CompiledAgentCall,
  CompiledMachine,
  CompiledState,
  MachineFacts,
  Scope,
} from '../../machine/interfaces.ts';
import type { JsonObject, JsonValue } from '../../types.ts';
import type { Budget } from '../budget.ts';
import type { MachineHooks, WorkCall } from '../interfaces.ts';
import type { Journal } from '../journal.ts';
import { type JournaledCalls, JournaledExecutor } from '../strategies/executor.ts';
import { createExecutionType } from '../strategies/registry.ts';
import type { AgentSet } from './agent-set.ts';
import { Calls } from './calls.ts';
import type { AgentExecutor } from './interfaces.ts';
import { payload } from './payload.ts';

/** One agent call of a state, and what it may use. */
export interface AgentWork {
  readonly machine: CompiledMachine;
  readonly state: CompiledState;
  readonly agent: CompiledAgentCall;
  /** The state's input, rendered. */
  readonly input: JsonObject;
  /** The machine's context now. Not to be changed. */
  readonly context: JsonObject;
  readonly sessionId: string | null;
  /** What hooks and tools see as `context.machine`. */
  readonly facts: MachineFacts;
  /** What the state's conditions see, with this output and, after a tool changed it, this context. */
  readonly scope: (output: JsonValue, context: JsonObject) => Scope;
  /** The injected clock's time, milliseconds since the epoch. */
  readonly now: () => number;
  readonly work: WorkCall;
  readonly journal: Journal;
  readonly budget: Budget;
  /** Agent calls that the execution had made when it was last committed (`total_api_calls`). */
  readonly baseOrdinal: number;
  readonly hooks: MachineHooks;
  readonly agents: AgentSet;
  readonly random: () => number;
}

/** What an agent call came to. */
export interface AgentOutcome {
  /** `output`, else `{content}`, else `{}`. */
  output: JsonValue;
  /** The context, when a tool changed it; null = unchanged. */
  context: JsonObject | null;
  /** The state a conditional transition chose in the middle of a tool loop; null = the transitions are asked as usual. */
  to: string | null;
}

/**
 * Does the agent call of a state: under its strategy, or as a tool loop.
 * @throws Pause when a budget has no call left · the signal's reason when the work must stop · FlatMachineError what the strategy ended with; `unknown-agent`, `unknown-execution-type`,
 *   `usage` for a tool loop that the agent or the strategy cannot do
 */
export async function callAgent(work: AgentWork): Promise<AgentOutcome> {
  const executor = await work.agents.executor(definitionOf(work));
  const calls = new Calls(work);
  try {
    return work.agent.toolLoop === null
      ? await callUnderStrategy(work, executor, calls)
      : await callInLoop(work, executor, calls);
  } finally {
    calls.close();
  }
}

async function callUnderStrategy(
  work: AgentWork,
  executor: AgentExecutor,
  calls: Calls,
): Promise<AgentOutcome> {
  const { input, context, agent } = work;
  const strategy = await createExecutionType(agent.execution);
  const strategyExecutor = new JournaledExecutor({
    ...shared(work, executor, calls),
    key: (index) => `call.${index}`,
    make: (given, seen, call) => executor.execute(given, seen, call),
  });
  const result = await strategy.execute(
    strategyExecutor,
    toJson(input) as JsonObject,
    toJson(context) as JsonObject,
  );
  const output = toJson(payload(result), `result of the execution type ${agent.execution.type}`);
  return { output, context: null, to: null };
}

async function callInLoop(work: AgentWork, executor: AgentExecutor, calls: Calls): Promise<AgentOutcome> {
  const { agent, state, input, context } = work;
  const { type } = agent.execution;
  if (type !== 'default' && type !== 'retry') {
    throw new FlatMachineError('usage', `the execution type ${type} cannot drive a tool loop`, {
      location: state.location,
      remedy: 'Use default or retry, whose bounds then hold for each turn.',
    });
  }
  const strategy = await createExecutionType(agent.execution);
  const { runToolLoop } = await import('../tools/tool-loop.ts');
  return runToolLoop(work, executor, (key, request) => {
    const turnExecutor = new JournaledExecutor({
      ...shared(work, executor, calls),
      key: (index) => (index === 0 ? key : `${key}.retry.${index}`),
      make: (given, seen, call) => executor.turn!(request, call, given, seen),
    });
    return strategy.execute(turnExecutor, input, context);
  });
}

function shared(
  work: AgentWork,
  executor: AgentExecutor,
  calls: Calls,
): Pick<JournaledCalls, 'calls' | 'context' | 'metadata' | 'concurrency' | 'random' | 'log'> {
  return {
    calls,
    context: work.context,
    metadata: executor.metadata ?? {},
    concurrency: work.machine.settings.max_concurrency,
    random: work.random,
    log: (message, data) => {
      const { type } = work.agent.execution;
      work.work.emit({ type: 'log', level: 'info', message: `${type}: ${message}`, data });
    },
  };
}

function definitionOf({ machine, agent, state }: AgentWork): AgentDefinition {
  const definition = machine.agents.get(agent.agent);
  if (definition !== undefined) return definition;
  throw new FlatMachineError('unknown-agent', `machine "${machine.name}" has no agent "${agent.agent}"`, {
    location: state.location,
  });
}
