import type { ExecutionEvent, ExecutionStatus } from '../events.ts';
import type { MachineSnapshot } from '../machine/snapshot.ts';
import type { JsonObject, JsonValue } from '../types.ts';

/**
 * What survives what. `power-loss`: the commit is on the disk before the call returns. `process-crash`: it
 * survives the death of the process but not of the machine. `none`: it dies with the process.
 */
export type Durability = 'power-loss' | 'process-crash' | 'none';

/** Proof of the right to write: the lease's key and its fencing token. */
export interface Fence {
  key: string;
  token: number;
}

/** A lease held by this process. */
export interface Lease extends Fence {
  /** Aborts, with a `LeaseLostError` as reason, once the lease is known to be lost. */
  readonly signal: AbortSignal;
}

/** Who holds a lease. */
export interface LeaseHolder {
  /** `pid@host` and what else helps a person find it. */
  owner: string;
  token: number;
  /** ISO 8601 UTC, wall clock: for people, not for decisions. */
  acquired_at: string;
  /** Milliseconds until it runs out unless renewed; 0 or less = claimable. */
  expires_in: number;
}

/**
 * Exclusive execution of one key (an execution id) by lease and heartbeat.
 *
 * A holder's lease is renewed in the background until release; a holder that died or froze loses it when
 * it runs out, at once where the store can see that its process is dead (same host). Tokens of one key only grow, across releases
 * too. Two runs in one process exclude each other.
 */
export interface ExecutionLock {
  /** Non-blocking. True = this lock object now holds `key`; false = somebody else, or this object already, does. */
  acquire(key: string): Promise<boolean>;
  /** Gives `key` back. Safe when it is not held. */
  release(key: string): Promise<void>;
  /** The lease this lock object holds under `key`, or null. */
  lease(key: string): Lease | null;
  /** Who holds `key` now, or null. */
  holder(key: string): Promise<LeaseHolder | null>;
}

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

/** Results by URI, `flatagents://{execution_id}/{path}`. */
export interface ResultBackend {
  /** Stores data and wakes blocked readers, in other processes too. */
  write(uri: string, data: JsonValue): Promise<void>;
  /**
   * The data, or undefined when there is none and `block` is false.
   * @param options.timeout milliseconds to wait; absent = for ever
   * @throws TimeoutError when it runs out
   */
  read(uri: string, options?: { block?: boolean; timeout?: number }): Promise<JsonValue | undefined>;
  exists(uri: string): Promise<boolean>;
  delete(uri: string): Promise<void>;
}

/**
 * What a piece of work under way has done already, so that a crash neither repeats nor loses it. Entries are write-once, in the order they were added,
 * and go with the step that ends the work ({@link SaveOptions.over}) or with the execution.
 */
export interface JournalBackend {
  /**
   * Adds an entry; durable when the promise resolves.
   * @param work the `work_step` it belongs to
   * @throws StepConflictError if the key exists · LeaseLostError if the fence is stale
   */
  append(
    executionId: string,
    work: number,
    key: string,
    value: JsonValue,
    fence: Fence | null,
  ): Promise<void>;
  /** All entries of a piece of work, in the order they were added. */
  entries(executionId: string, work: number): Promise<ReadonlyMap<string, JsonValue>>;
}

/** A message on a channel. */
export interface Signal {
  /** Sorts as text in the order of sending, per store. */
  signal_id: string;
  channel: string;
  data: JsonValue;
  /** ISO 8601 UTC. */
  sent_at: string;
}

/** What an execution waits for: a signal on a channel, or the end of any of some executions. */
export interface WaitRequest {
  executionId: string;
  /** The `work_step` that waits. */
  work: number;
  for: { channel: string } | { children: readonly string[] };
  /** Milliseconds since the epoch, or null. */
  deadline: number | null;
  fence: Fence | null;
}

/** A registered wait. */
export interface Wait {
  execution_id: string;
  work: number;
  /** null = it waits for children. */
  channel: string | null;
  deadline: number | null;
  /** The signal it was given and has not used up yet. */
  signal_id: string | null;
}

/**
 * Signals: durable messages on channels, first in, first out, each delivered once.
 *
 * A signal goes to **every** execution that waits on its channel at that moment (one that has been given a signal waits no more). When
 * nobody does, it is queued for the first that comes. What was given stays with the wait, across crashes, until the step that
 * uses it commits. Channels are 1–500 characters without control characters (`invalid-id`).
 */
export interface SignalBackend {
  /**
   * Stores a signal and hands it out; durable when the promise resolves.
   * @throws FlatMachineError `invalid-id`, `not-json`, `too-large` for more than 16 Mi characters of JSON
   */
  send(channel: string, data: JsonValue): Promise<Signal>;
  /**
   * The signal for this wait, taken from the head of the queue; or null, and the wait is registered. Atomic. Asked again for the same work it gives the same
   * signal, or keeps waiting, with the deadline of the newest request. Waits for children give null; the newest request says which, and a signal that
   * the work was given before stays with it.
   * @throws LeaseLostError if the fence is stale
   */
  wait(request: WaitRequest): Promise<Signal | null>;
  /**
   * Executions that can go on: one that was given a signal, whose deadline has passed, or a child of which has ended (and still is). Those that waited
   * longest first. Left out: those whose lease somebody alive holds, who is at work on them, and those that are at rest as `interrupted` or at a `limit`.
   * @param now milliseconds since the epoch
   */
  ready(now: number, limit: number): Promise<Wait[]>;
  /** The earliest deadline of the waits that {@link ready} does not leave out, milliseconds since the epoch, or null. */
  nextDeadline(): Promise<number | null>;
  /** Registered waits, by channel if one is given. */
  waits(channel?: string): Promise<Wait[]>;
  /** Signals that nobody has been given yet, oldest first. */
  queued(channel?: string): Promise<Signal[]>;
  /**
   * Calls `listener` soon after anything may have become ready, by this process or another; never for nothing for long. Not told: that a deadline has
   * come, or that the holder of a lease has died. Keeps no process alive. Returns what stops it.
   */
  watch(listener: () => void): () => void;
}

/** Where a slot stands; the moves are `available → acquired → executing → acquired → releasing → available`, and `error` from any. */
export type SlotState = 'available' | 'acquired' | 'executing' | 'releasing' | 'error';

/** One trajectory's workspace in an environment. The first seven fields are the seed's. */
export interface Slot {
  slot_id: string;
  /** The environment that holds it. */
  alloc_id: string;
  /** Where that environment is reached, in its runner's own form. */
  container_addr: string;
  workspace_dir: string;
  state: SlotState;
  /** The execution that holds it. */
  trajectory_id: string | null;
  metadata: JsonObject;
  pool: string;
  /** Fencing token: grows with each acquisition, take-over and reset. */
  token: number;
}

/** An environment as recorded, from before it exists until it is gone. */
export interface EnvironmentRecord {
  environment_id: string;
  pool: string;
  runner: string;
  /** `creating` is written before the runner is asked; `ready` after; `destroying` before it is taken down. */
  state: 'creating' | 'ready' | 'destroying';
  address: string;
  /** The runner's own spec, as given to `create`. */
  spec: JsonObject;
  /** Execution that caused it. */
  owner: string;
  created_at: string;
}

/** Patch of a slot's row; absent fields stay. */
export interface SlotChange {
  state?: SlotState;
  trajectory_id?: string | null;
  metadata?: JsonObject;
}

/**
 * Slots and environments, shared by every process that uses the same store. Every call is atomic. A slot is leased to a
 * trajectory (an execution) until it is released or seized; whether that one still lives is what the execution's own lease
 * says, so a crashed run finds its workspace again however late it is resumed. The slot's token fences stale holders.
 */
export interface SlotBackend {
  /**
   * Records the intent before anything is created.
   * @throws FlatMachineError `already-exists` on a known id · LeaseLostError on a stale fence
   */
  addEnvironment(environment: EnvironmentRecord, fence: Fence): Promise<void>;
  /** @throws FlatMachineError `not-found` once the environment was removed: whoever created it must destroy it */
  updateEnvironment(id: string, change: Partial<Pick<EnvironmentRecord, 'state' | 'address'>>): Promise<void>;
  /**
   * Marks `destroying` if every slot of it is available (or the environment never became ready); false when somebody holds one.
   * After true no slot of it can be acquired.
   */
  retireEnvironment(id: string): Promise<boolean>;
  /** Removes it with its slots. Safe when there is none. */
  removeEnvironment(id: string): Promise<void>;
  environments(filter?: { pool?: string; runner?: string }): Promise<EnvironmentRecord[]>;
  /** Adds slots of a new environment; the same again changes nothing. */
  addSlots(slots: readonly Slot[]): Promise<void>;
  /**
   * Takes an available slot of a ready environment of `pool` for `trajectory`, token + 1, state `acquired`.
   * Asked again by a trajectory that holds one in this pool, that one is returned with a new token (a take-over: the old token is stale from then on).
   * @param fence the execution's own lease: a process that lost it cannot take the slot back
   * @throws LeaseLostError on a stale fence
   */
  acquireSlot(pool: string, trajectory: string, fence: Fence): Promise<Slot | null>;
  slot(slotId: string): Promise<Slot | null>;
  /**
   * Changes a slot if its token is `token` and its state one of `from`.
   * @throws LeaseLostError on a stale token · IllegalSlotMoveError on another state
   */
  changeSlot(slotId: string, token: number, from: readonly SlotState[], change: SlotChange): Promise<Slot>;
  /** Takes a slot away from whoever holds it (reaper): token + 1, state `releasing`. */
  seizeSlot(slotId: string, expectedToken: number): Promise<Slot>;
  slots(filter?: {
    pool?: string;
    environment?: string;
    trajectory?: string;
    state?: SlotState;
  }): Promise<Slot[]>;
}

/** Where one technology keeps things: each role it has. */
export interface BackendSet {
  /** As given or made from the configuration, e.g. `sqlite:.flatmachine/flatmachine.db`. No secrets. */
  readonly url: string;
  readonly durability: Durability;
  readonly persistence: PersistenceBackend;
  readonly locking: ExecutionLock;
  readonly results: ResultBackend;
  readonly slots: SlotBackend;
  readonly journal: JournalBackend;
  readonly signals: SignalBackend;
  /** Flushes, stops heartbeats, closes. Idempotent. */
  close(): Promise<void>;
}

/** How to open a {@link BackendSet}. */
export interface BackendOptions {
  durability?: Durability;
  /** Seconds between a lease's heartbeats; it lives twice as long. Default 30. */
  heartbeatInterval?: number;
  /** Told of what was wrong and survived, e.g. a torn record that was skipped. Default: nothing is told. */
  onWarning?: (message: string) => void;
}
