import type { JsonObject } from '../../types.ts';
import type { Fence } from './locking.ts';

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
