import { FlatMachineError } from '../errors.ts';
import { toJson } from '../json.ts';
import type { JsonObject } from '../types.ts';
import type { WorkerFilter, WorkerRecord, WorkerRegistration, WorkerStatus } from './interfaces.ts';
import { checkId } from './keys.ts';

/** Seconds between a worker's heartbeats unless it says otherwise. */
const DEFAULT_INTERVAL = 30;

/** Heartbeats that a worker may miss before it is stale. */
const STALE_INTERVALS = 2;

const MAX_STATUS = 200;
const FORBIDDEN_IN_STATUS = /[\p{Cc}\p{Cs}]/u;

/** What is kept of a worker: its record, but for what depends on the time of asking. */
export type StoredWorker = Omit<WorkerRecord, 'heartbeat_age'>;

/**
 * What a worker says of itself, checked and copied.
 * @throws FlatMachineError `invalid-id`, `usage`, `not-json`
 */
export function checkedRegistration(worker: WorkerRegistration): WorkerRegistration {
  checkId(worker.worker_id, 'a worker id');
  const { heartbeat_interval, capabilities, started_at } = worker;
  if (heartbeat_interval !== undefined && !(heartbeat_interval > 0 && Number.isFinite(heartbeat_interval))) {
    throw usage(`the heartbeat interval must be above 0 seconds, not ${heartbeat_interval}`);
  }
  if (capabilities !== undefined && !capabilities.every((one) => typeof one === 'string')) {
    throw usage('capabilities are a list of texts');
  }
  if (Number.isNaN(Date.parse(started_at))) {
    throw usage(`started_at must be a time in ISO 8601, not ${String(started_at)}`);
  }
  return toJson(worker, 'worker') as unknown as WorkerRegistration;
}

/** A worker after it has registered, for the first time or again. @param now ISO 8601 */
export function registered(
  known: StoredWorker | null,
  worker: WorkerRegistration,
  now: string,
): StoredWorker {
  return {
    heartbeat_interval: DEFAULT_INTERVAL,
    registered_at: now,
    ...known,
    ...worker,
    metadata: { ...known?.metadata, ...worker.metadata },
    status: 'active',
    last_heartbeat: now,
    registrations: (known?.registrations ?? 0) + 1,
  };
}

/**
 * A worker after a heartbeat.
 * @param now ISO 8601
 * @throws FlatMachineError `lease-lost` when it was declared lost, or has terminated
 */
export function beaten(
  worker: StoredWorker,
  now: string,
  metadata: JsonObject | undefined,
  task: string | null | undefined,
): StoredWorker {
  if (isOver(worker.status)) throw workerOver(worker.worker_id, worker.status);
  const { current_task_id, ...rest } = worker;
  const next = task === undefined ? current_task_id : (task ?? undefined);
  return {
    ...rest,
    last_heartbeat: now,
    metadata: { ...worker.metadata, ...metadata },
    ...(next === undefined ? {} : { current_task_id: next }),
  };
}

/** Whether nobody expects heartbeats of it any more. */
export function isOver(status: WorkerStatus): boolean {
  return status === 'lost' || status === 'terminated';
}

/**
 * Whether a worker's last heartbeat is that long ago.
 * @param threshold seconds; true or absent = twice its own interval
 */
export function isStale(worker: WorkerRecord, threshold: number | true = true): boolean {
  const bound = threshold === true ? STALE_INTERVALS * worker.heartbeat_interval : threshold;
  return worker.heartbeat_age >= bound;
}

/** Whether every field that is given holds. */
export function matchesFilter(worker: WorkerRecord, filter: WorkerFilter): boolean {
  const { status, capability, pool_id, stale_threshold_seconds: stale } = filter;
  const statuses = status === undefined ? null : typeof status === 'string' ? [status] : status;
  return (
    (statuses === null || statuses.includes(worker.status)) &&
    (capability === undefined || (worker.capabilities ?? []).includes(capability)) &&
    (pool_id === undefined || worker.pool_id === pool_id) &&
    (stale === undefined || isStale(worker, stale))
  );
}

/** @throws FlatMachineError `usage` for what is no status */
export function checkStatus(status: WorkerStatus): void {
  const valid = typeof status === 'string' && status !== '' && status.length <= MAX_STATUS;
  if (valid && !FORBIDDEN_IN_STATUS.test(status)) return;
  throw usage(`a status is 1 to ${MAX_STATUS} characters, no control characters`);
}

/** @throws FlatMachineError `usage` for what is no number of seconds */
export function checkThreshold(seconds: number | true | undefined): void {
  if (seconds === undefined || seconds === true || seconds >= 0) return;
  throw usage(`a threshold must be 0 seconds or more, not ${seconds}`);
}

/** The error of a call for a worker that is not registered. */
export function workerUnknown(workerId: string): FlatMachineError {
  return new FlatMachineError('not-found', `no worker ${workerId} is registered`, {
    details: { worker_id: workerId },
    remedy: 'Register it first.',
  });
}

/** The error of a heartbeat that comes too late. */
export function workerOver(workerId: string, status: WorkerStatus): FlatMachineError {
  return new FlatMachineError('lease-lost', `worker ${workerId} is ${status}: its heartbeat is refused`, {
    details: { worker_id: workerId, status },
    remedy: 'Stop its work, which others may have taken over, and register again.',
  });
}

function usage(message: string): FlatMachineError {
  return new FlatMachineError('usage', message);
}
