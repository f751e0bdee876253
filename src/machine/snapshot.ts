import type { ExecutionStatus } from '../events.ts';
import type { JsonObject, JsonValue } from '../types.ts';

/** Why a run failed, as stored. */
export interface FailureRecord {
  /** Class name of the error, e.g. `TimeoutError`: what `on_error` maps by. */
  error_type: string;
  code: string;
  message: string;
  state: string;
  step: number;
  /** Messages of the causes, outermost first. */
  causes: string[];
  details?: JsonValue;
}

/** A launched child: it was recorded before it was started, and is taken up again by a resume of its parent. */
export interface LaunchIntent {
  execution_id: string;
  machine: string;
  /** Empty once it is launched: the child's own record has it. */
  input: JsonObject;
  launched: boolean;
}

/** What a run was started with, beside its input; a resume uses the same. */
export interface RunOptions {
  /** Runner asked for on the command line or by the caller; absent = what the machine says. */
  runner?: string;
}

/**
 * The record of one finished step: all that a resume needs, plain JSON.
 * FlatMachine 1.0.0's `MachineSnapshot` (runtime interfaces) plus this project's fields.
 */
export interface MachineSnapshot {
  execution_id: string;
  machine_name: string;
  spec_version: string;
  /** The state whose work this step did; the initial state for step 0. */
  current_state: string;
  /** The context after the step. */
  context: JsonObject;
  /** 0 for the record of the start, then one more per step. */
  step: number;
  /** ISO 8601 UTC. */
  created_at: string;
  event?: string;
  /** The machine's result once `completed`. */
  output?: JsonValue;
  /** Of this execution and of the children it waited for; what work under way has used is not in it yet. */
  total_api_calls?: number;
  /** As reported by providers. */
  total_cost?: number;
  parent_execution_id?: string;
  /** Launched children that were not known to have ended. */
  pending_launches?: LaunchIntent[];

  status: ExecutionStatus;
  /** Where a resume goes on; null once completed or cancelled. */
  next_state: string | null;
  /**
   * The step whose identity the next state's work carries: command ids and child ids derive from it, so
   * that work cut off by an interruption is joined rather than repeated. Usually `step + 1`.
   */
  work_step: number;
  /** Of work that is carried over: how many journal entries it has whose events are stored. */
  journal_told?: number;
  /** The deadline of the next state's work, milliseconds since the epoch; set before that work begins. */
  deadline?: number;
  input: JsonObject;
  config_hash: string;
  /** Fencing token of the lease this record was written under. */
  epoch: number;
  error?: FailureRecord;
  /** Absolute path of the machine file, for `flatmachine resume ID`. */
  machine_file?: string;
  /** Names that lead from that file's machine to an inline child, outermost first; absent = the file's own machine. */
  machine_path?: string[];
  options?: RunOptions;
  /** 0 or absent for a root; a child's is its parent's plus one. */
  depth?: number;
  /** Steps of this execution and of the children it waited for; absent = `step`. */
  total_steps?: number;
  /** While `waiting` for a signal: its channel. */
  waiting_channel?: string;
}

/** Ends of an execution: nothing is written after them, save by an explicit resume of a failed one. */
export const TERMINAL_STATUSES: ReadonlySet<ExecutionStatus> = new Set(['completed', 'failed', 'cancelled']);

/** The key of a step's record. Keys sort in time order. */
export function stepKey(executionId: string, step: number): string {
  return `${executionId}/step_${String(step).padStart(6, '0')}`;
}
