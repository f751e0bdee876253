import type { JsonObject } from '../../types.ts';

/**
 * What a worker does, as far as the register knows: `active`; `terminating`, once it was told to end; `terminated`, once it has; `lost`, once it was
 * declared dead. Other words may be used.
 */
export type WorkerStatus = 'active' | 'terminating' | 'terminated' | 'lost' | (string & {});

/** What a worker says of itself. */
export interface WorkerRegistration {
  /** As ids of executions: 1–200 characters. */
  worker_id: string;
  host?: string;
  pid?: number;
  /** E.g. `["gpu"]`. */
  capabilities?: string[];
  /** The pool it works for. */
  pool_id?: string;
  /** ISO 8601 UTC. */
  started_at: string;
  /** Seconds between its heartbeats; it is stale after twice that unless a filter says otherwise. Default 30. */
  heartbeat_interval?: number;
  metadata?: JsonObject;
}

/** A worker as registered. */
export interface WorkerRecord extends WorkerRegistration {
  status: WorkerStatus;
  /** ISO 8601 UTC, the store's clock. */
  last_heartbeat: string;
  /** Seconds since then, by the store's clock. */
  heartbeat_age: number;
  current_task_id?: string;
  heartbeat_interval: number;
  metadata: JsonObject;
  /** When it registered first; ISO 8601 UTC. */
  registered_at: string;
  /** How often it has registered. */
  registrations: number;
}

/** Which workers are listed, by id. Every field that is given has to hold. */
export interface WorkerFilter {
  status?: WorkerStatus | readonly WorkerStatus[];
  /** One of its capabilities, exactly. */
  capability?: string;
  pool_id?: string;
  /** Only those whose last heartbeat is at least this many seconds old; true = twice their own interval. */
  stale_threshold_seconds?: number | true;
}

/**
 * The register of workers. Every call is atomic. Whether somebody is stale is decided by the store's clock alone.
 */
export interface RegistrationBackend {
  /**
   * Registers a worker as `active`. Again under the same id: what is given replaces what was known, metadata is merged, `registered_at` stays and
   * `registrations` grows; a `lost` one lives again.
   */
  register(worker: WorkerRegistration): Promise<WorkerRecord>;
  /**
   * Says that a worker lives; `metadata` is merged into what is known.
   * @param task the item it works on; null = none, absent = as before
   * @throws FlatMachineError `not-found` for an unknown worker, `lease-lost` for one that was declared `lost`, or has `terminated`
   */
  heartbeat(workerId: string, metadata?: JsonObject, task?: string | null): Promise<void>;
  /** @throws FlatMachineError `not-found` */
  updateStatus(workerId: string, status: WorkerStatus): Promise<void>;
  /**
   * Declares a worker `lost` if it is stale at this moment and neither `lost` nor `terminated`.
   * @param thresholdSeconds as in {@link WorkerFilter}; absent = twice its interval
   * @returns whether this call did it
   */
  markLost(workerId: string, thresholdSeconds?: number): Promise<boolean>;
  get(workerId: string): Promise<WorkerRecord | null>;
  list(filter?: WorkerFilter): Promise<WorkerRecord[]>;
  /** Removes a worker's record. Safe when there is none. */
  remove(workerId: string): Promise<void>;
}
