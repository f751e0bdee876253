import type { BackendSet, WorkerRecord } from '../backends/interfaces.ts';
import { FlatMachineError } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../types.ts';
import type { WorkerFields } from './distributed-worker-fields.ts';
import type { WorkerSession } from './distributed-worker-session.ts';

/** `register_worker`: under `worker_id`, else the execution's id. */
export async function registerWorker(session: WorkerSession, fields: WorkerFields): Promise<JsonObject> {
  const id = fields.text('worker_id') ?? session.environment.executionId;
  const capabilities = fields.get('capabilities') ?? [];
  if (!Array.isArray(capabilities)) {
    throw new FlatMachineError('usage', 'action register_worker: "capabilities" must be a list');
  }
  const record = await session.register(id, fields.pool, capabilities.map(String));
  return { worker_id: id, status: record.status, registered_at: record.registered_at };
}

/** `deregister_worker` */
export async function deregisterWorker(session: WorkerSession, fields: WorkerFields): Promise<JsonObject> {
  await session.deregister(fields.required('worker_id'));
  return { status: 'terminated' };
}

/** `heartbeat`: an extra one; those of a registered worker come by themselves. */
export async function heartbeat({ environment }: WorkerSession, fields: WorkerFields): Promise<JsonObject> {
  await environment.backends.registration.heartbeat(fields.required('worker_id'));
  return {};
}

/** `list_stale_workers`: those whose last heartbeat is `stale_threshold_seconds` old, by default twice their own interval. */
export async function listStaleWorkers(
  { environment }: WorkerSession,
  fields: WorkerFields,
): Promise<JsonObject> {
  const found = await environment.backends.registration.list({
    stale_threshold_seconds: fields.number('stale_threshold_seconds') ?? true,
  });
  const workers = found.filter(isUp).map(describeWorker);
  return { workers, stale_count: workers.length };
}

/** Whether the register takes it for alive. */
export function isUp({ status }: WorkerRecord): boolean {
  return status !== 'lost' && status !== 'terminated';
}

function describeWorker({ worker_id, last_heartbeat, host, pool_id }: WorkerRecord): JsonObject {
  return { worker_id, last_heartbeat, host: host ?? null, pool_id: pool_id ?? null };
}

/** `reap_worker`: declares `worker` lost if it still is stale, and puts its items back, in every pool. */
export async function reapWorker(session: WorkerSession, fields: WorkerFields): Promise<JsonObject> {
  const id = workerIdOf(fields.get('worker'), 'reap_worker');
  const released = await reap(session, id, fields.number('stale_threshold_seconds'));
  return { reaped_worker_id: released === null ? null : id, jobs_released: released ?? 0 };
}

/** `reap_stale_workers`: the same with all of `workers`, or `stale_workers`. */
export async function reapStaleWorkers(session: WorkerSession, fields: WorkerFields): Promise<JsonObject> {
  const listed = fields.get('stale_workers') ?? fields.get('workers') ?? [];
  if (!Array.isArray(listed)) {
    throw new FlatMachineError('usage', 'action reap_stale_workers: "workers" must be a list');
  }
  const reaped: string[] = [];
  let total = 0;
  for (const worker of listed) {
    const id = workerIdOf(worker, 'reap_stale_workers');
    const released = await reap(session, id, fields.number('stale_threshold_seconds'));
    if (released === null) continue;
    reaped.push(id);
    total += released;
  }
  return { reaped_workers: reaped, reaped_count: reaped.length, total_jobs_released: total };
}

/** How many items were put back; null = the worker lives. One that is lost already is gone through again: who declared it may have died over that. */
async function reap(
  { environment: { backends } }: WorkerSession,
  workerId: string,
  threshold: number | undefined,
): Promise<number | null> {
  const { registration } = backends;
  const marked = await registration.markLost(workerId, threshold);
  if (!marked && (await registration.get(workerId))?.status !== 'lost') return null;
  return releaseEverywhere(backends, workerId);
}

async function releaseEverywhere({ work }: BackendSet, workerId: string): Promise<number> {
  let released = 0;
  for (const name of await work.pools()) released += await work.pool(name).releaseByWorker(workerId);
  return released;
}

/** A worker, as `list_stale_workers` gives it or by its id. */
function workerIdOf(worker: JsonValue | undefined, action: string): string {
  const id = isJsonObject(worker) ? worker.worker_id : worker;
  if (typeof id === 'string') return id;
  throw new FlatMachineError('usage', `action ${action}: ${JSON.stringify(worker ?? null)} is no worker`);
}
