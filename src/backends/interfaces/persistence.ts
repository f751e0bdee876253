import type { ExecutionEvent, ExecutionStatus } from '../../events.ts';
import type { MachineSnapshot } from '../../machine/snapshot.ts';
import type { Fence } from './locking.ts';

/** What `save` may be given. */
export interface SaveOptions {
  /**
   * Refuses the write (`LeaseLostError`) unless this fence is the newest one of its key. Checked in the same transaction
   * where persistence and locks share a store; elsewhere write-once keys alone are the fence.
   */
  fence?: Fence;
  /** The step's events, stored with it in the same write. */
  events?: readonly ExecutionEvent[];
  /** The piece of work that is over with this step: its journal and its wait go in the same write. Absent = nothing of it was kept. */
  over?: WorkOver;
  /** How many of this execution's newest steps stay after this write; absent = `DEFAULT_KEEP` (1,000) or up to a tenth more, `Infinity` = all. */
  keep?: number;
}

/** What happens to what a finished piece of work has kept. */
export interface WorkOver {
  /** Everything of this execution kept under this `work_step` or an earlier one goes. */
  work: number;
  /** `consumed`: the signal it was given is gone. `returned`: it goes back to the head of its channel, unless others were given it too. */
  signal: 'consumed' | 'returned';
}

/** A stored step with its events. */
export interface StepRecord {
  snapshot: MachineSnapshot;
  events: ExecutionEvent[];
}

/** One line of `flatmachine ls`. */
export interface ExecutionSummary {
  execution_id: string;
  machine_name: string;
  machine_file: string | null;
  status: ExecutionStatus;
  /** The state it goes on with, or ended in. */
  state: string;
  step: number;
  parent_execution_id: string | null;
  /** ISO 8601 UTC. */
  created_at: string;
  updated_at: string;
  error: string | null;
}

/** Which executions `executions()` lists, newest first. */
export interface ExecutionFilter {
  status?: readonly ExecutionStatus[];
  /** Last change before this wall-clock time, ISO 8601. */
  updated_before?: string;
  /** Children of this execution alone; null = only those that have no parent. */
  parent?: string | null;
  limit?: number;
}

/**
 * Where steps are kept. Keys are `{execution_id}/step_{6 digits}` and **write-once**.
 * Ids are 1–200 characters without `/`, `\`, `..` or control characters; others are refused (`invalid-id`).
 */
export interface PersistenceBackend {
  /**
   * Stores one step: atomic, durable when the promise resolves, write-once.
   * @throws StepConflictError if the key exists · LeaseLostError if the fence is stale
   */
  save(key: string, snapshot: MachineSnapshot, options?: SaveOptions): Promise<void>;
  /** The record under `key`, or null. */
  load(key: string): Promise<MachineSnapshot | null>;
  /** Removes a record. Safe when there is none. */
  delete(key: string): Promise<void>;
  /** All keys with this prefix, sorted. `job-1/` never matches `job-10/…`. */
  list(prefix: string): Promise<string[]>;
  /** The newest readable record of an execution, or null. O(1) in the number of its steps. A torn newest one is skipped, with a warning through `onWarning`. */
  latest(executionId: string): Promise<MachineSnapshot | null>;
  /** All kept steps in order, with their events. */
  history(executionId: string): Promise<StepRecord[]>;
  /** Newest change first. */
  executions(filter?: ExecutionFilter): Promise<ExecutionSummary[]>;
  /** Removes an execution with all its records, results, journals and waits; a signal it had not used up is returned. Safe when there is none. */
  deleteExecution(executionId: string): Promise<void>;
  /** Asks whoever runs this execution to cancel it. Unknown ids are ignored. */
  requestCancel(executionId: string): Promise<void>;
  cancelRequested(executionId: string): Promise<boolean>;
  /** Withdraws a request that came too late: the execution had failed before, and is resumed now. */
  withdrawCancel(executionId: string): Promise<void>;
}
