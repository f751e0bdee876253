import type { BackendSet } from '../backends/interfaces.ts';
import type { EventDraft, ExecutionEvent, ExecutionStatus } from '../events.ts';
import type { CompiledMachine } from '../machine/interfaces.ts';
import type { FailureRecord, RunOptions } from '../machine/snapshot.ts';
import type { Clock, JsonObject, JsonValue, MaybePromise } from '../types.ts';
import type { MachineHooks } from './interfaces.ts';

/** Everything a run needs, injected. */
export interface ExecutionSetup {
  machine: CompiledMachine;
  executionId: string;
  backends: BackendSet;
  /** Makes the execution's hooks, once its lease is held. */
  hooks: (emit: (event: EventDraft) => void) => MaybePromise<MachineHooks>;
  clock: Clock;
  /** Aborted = stop at the next safe point, resumable. */
  interrupt?: AbortSignal | undefined;
  /** Told of every event, live-only ones included. Must not throw. */
  observe?: ((event: ExecutionEvent) => void) | undefined;
  /** Replaces `settings.max_steps`. */
  maxSteps?: number | undefined;
}

/** What a new execution starts from. */
export interface ExecutionStart {
  input: JsonObject;
  /** Kept for resumes. */
  options?: RunOptions | undefined;
  /** The execution that started this one. */
  parentId?: string | undefined;
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
