import type { BackendSet } from '../backends/interfaces.ts';
import type { EventDraft, ExecutionEvent, ExecutionStatus } from '../events.ts';
import type { CompiledMachine } from '../machine/interfaces.ts';
import type { FailureRecord, RunOptions } from '../machine/snapshot.ts';
import type { Clock, JsonObject, JsonValue, MaybePromise } from '../types.ts';
import type { AgentSet } from './agents/agent-set.ts';
import type { Background } from './background.ts';
import type { Budget } from './budget.ts';
import type { RunHooks } from './interfaces.ts';

/** What all executions of one tree use, injected. */
export interface RunServices {
  backends: BackendSet;
  /** Makes an execution's hooks, once its lease is held. */
  hooks: (
    machine: CompiledMachine,
    executionId: string,
    options: RunOptions,
    emit: (event: EventDraft) => void,
  ) => MaybePromise<RunHooks>;
  agents: AgentSet;
  clock: Clock;
  /** 0 ≤ r < 1. */
  random: () => number;
  /** What goes on after the execution that began it has ended: launched children. */
  background: Background;
  /** Aborted = everything stops at its next safe point, resumable: launched children too, which outlive what started them. */
  interruptAll?: AbortSignal | undefined;
  /** Told of every event of every execution, live-only ones included. Must not throw. */
  observe?: ((event: ExecutionEvent) => void) | undefined;
  /** Replaces `settings.max_steps`, of children too. */
  maxSteps?: number | undefined;
  /** Resume children although their machine files have changed. */
  allowDrift?: boolean | undefined;
}

/** What a child has from its parent. */
export interface ParentLink {
  readonly budget: Budget;
  /** False for a launched child: it counts against the parent's limits, not in its totals. */
  readonly counted: boolean;
  readonly depth: number;
  /** The strictest `max_depth` so far. */
  readonly maxDepth: number;
}

/** Everything one execution needs. */
export interface ExecutionSetup extends RunServices {
  machine: CompiledMachine;
  executionId: string;
  /** What it was started with, for its hooks. */
  options: RunOptions;
  /** Aborted = stop at the next safe point, resumable. */
  interrupt?: AbortSignal | undefined;
  /** Aborted = end as cancelled. */
  cancel?: AbortSignal | undefined;
  /** null for a root, and for a child that is resumed by itself. */
  parent: ParentLink | null;
}

/** What a new execution starts from. */
export interface ExecutionStart {
  input: JsonObject;
  /** The execution that started this one. */
  parentId?: string | undefined;
  /** Told once its first record is stored: from then on it can only be resumed. */
  onStored?: (() => void) | undefined;
}

/** What an execution came to. */
export interface ExecutionResult {
  execution_id: string;
  status: ExecutionStatus;
  /** The machine's result once `completed`; null otherwise. */
  output: JsonValue;
  error: FailureRecord | null;
  /** The state it goes on with, or ended in. */
  state: string;
  step: number;
  context: JsonObject;
}
