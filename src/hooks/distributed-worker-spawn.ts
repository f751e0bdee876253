import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BACKEND_VARIABLE } from '../backend-variable.ts';
import type { BackendSet } from '../backends/interfaces.ts';
import { reopenUrl } from '../backends/reopen.ts';
import { FlatMachineError } from '../errors.ts';
import type { ActionCall } from '../execution/interfaces.ts';
import { hashJson } from '../json.ts';
import { packageRoot } from '../package-root.ts';
import { sleep } from '../timers.ts';
import type { JsonObject } from '../types.ts';
import type { WorkerFields } from './distributed-worker-fields.ts';
import { isUp } from './distributed-worker-register.ts';
import type { WorkerSession } from './distributed-worker-session.ts';

/** How a worker stands in the register between its start and its own registration. */
const STARTING = 'starting';

/** Workers of a pool at once, unless told otherwise. */
const MAX_WORKERS = 3;

/** Between two looks at a lock that another checker holds, milliseconds. */
const LOCK_PAUSE_MS = 50;

/** `get_pool_state`: what can be claimed now, and who works for this pool, those included that were started and have not registered yet. */
export async function getPoolState(
  { environment: { backends } }: WorkerSession,
  fields: WorkerFields,
): Promise<JsonObject> {
  return {
    queue_depth: await backends.work.pool(fields.pool).size(),
    active_workers: (await liveWorkers(backends, fields.pool)).length,
  };
}

/** Ids of the workers of a pool that are up, and heard of lately. */
async function liveWorkers({ registration }: BackendSet, pool: string): Promise<string[]> {
  const known = await registration.list({ pool_id: pool });
  const stale = await registration.list({ pool_id: pool, stale_threshold_seconds: true });
  const silent = new Set(stale.map(({ worker_id }) => worker_id));
  return known.filter((worker) => isUp(worker) && !silent.has(worker.worker_id)).map((w) => w.worker_id);
}

/** `calculate_spawn`: a worker per item, at most `max_workers`, less those that are there. */
export function calculateSpawn(fields: WorkerFields): JsonObject {
  const max = fields.number('max_workers') ?? MAX_WORKERS;
  const needed = Math.min(fields.number('queue_depth') ?? 0, max);
  const missing = Math.max(0, needed - (fields.number('active_workers') ?? 0));
  return {
    workers_needed: needed,
    workers_to_spawn: missing,
    spawn_list: Array.from({ length: missing }, (_, i) => i),
  };
}

/**
 * `spawn_workers`: starts that many detached processes, one execution of the worker machine each. A worker stands in the register before it is started, and who is there is counted
 * anew under a lock, so that two checkers do not start twice as many.
 */
export async function spawnWorkers(
  session: WorkerSession,
  fields: WorkerFields,
  call: ActionCall,
): Promise<JsonObject> {
  const wanted = fields.number('workers_to_spawn') ?? 0;
  if (wanted === 0) return { spawned_ids: [], spawned_count: 0 };
  const { pool } = fields;
  const { backends } = session.environment;
  const machine = machineOf(session, fields);
  if (/^memory\b/.test(backends.url)) {
    throw new FlatMachineError('usage', `workers in processes of their own cannot share ${backends.url}`, {
      remedy: 'Use a store that processes can share, e.g. --backend sqlite:PATH.',
    });
  }
  const ids = await underLock(backends, pool, call.signal, () => reserve(session, fields, wanted, call));
  for (const id of ids) await start(session, machine, id, pool);
  return { spawned_ids: ids, spawned_count: ids.length };
}

/** Puts as many workers into the register as are still missing. Asked again for the same piece of work, the same ones: a process that died over it has perhaps started them. */
async function reserve(
  { environment: { backends, clock }, settings }: WorkerSession,
  fields: WorkerFields,
  wanted: number,
  { workId }: ActionCall,
): Promise<string[]> {
  const ids = Array.from({ length: wanted }, (_, i) => `worker-${hashJson([workId, i]).slice(0, 8)}`);
  const others = (await liveWorkers(backends, fields.pool)).filter((id) => !ids.includes(id)).length;
  const missing = (fields.number('workers_needed') ?? Number.POSITIVE_INFINITY) - others;
  const reserved = ids.slice(0, Math.max(0, missing));
  for (const worker_id of reserved) {
    if ((await backends.registration.get(worker_id)) !== null) continue;
    await backends.registration.register({
      worker_id,
      pool_id: fields.pool,
      started_at: new Date(clock.now()).toISOString(),
      heartbeat_interval: settings.heartbeatInterval,
    });
    await backends.registration.updateStatus(worker_id, STARTING);
  }
  return reserved;
}

async function underLock<T>(
  { locking }: BackendSet,
  pool: string,
  signal: AbortSignal,
  body: () => Promise<T>,
): Promise<T> {
  const key = `spawn-workers.${hashJson(pool).slice(0, 16)}`;
  while (!(await locking.acquire(key))) await sleep(LOCK_PAUSE_MS, signal);
  try {
    return await body();
  } finally {
    await locking.release(key);
  }
}

/** What to start. @throws FlatMachineError `usage` when it is not said, `file-not-found` when it is not there: the process would have nobody to tell */
function machineOf({ environment, settings }: WorkerSession, fields: WorkerFields): string {
  const path = fields.text('worker_config_path');
  const file = path === undefined ? settings.worker : resolve(environment.cwd, path);
  if (file === null) {
    throw new FlatMachineError('usage', 'action spawn_workers: it is not said what to start', {
      remedy: 'Set `worker_config_path` in the context, or the argument `worker` of the hooks.',
    });
  }
  if (existsSync(file)) return file;
  throw new FlatMachineError('file-not-found', `there is no machine at ${file}`);
}

/** Starts a process that outlives this one. What goes wrong in it before it has a store is in `workers.log` beside the store. */
async function start(
  { environment: { backends, cwd, stateDir } }: WorkerSession,
  machine: string,
  workerId: string,
  pool: string,
): Promise<void> {
  await mkdir(stateDir, { recursive: true });
  const log = await open(join(stateDir, 'workers.log'), 'a');
  try {
    const input = JSON.stringify({ pool_id: pool, worker_id: workerId });
    const command = [join(packageRoot(), 'dist', 'cli.cjs'), 'run', machine];
    const child = spawn(process.execPath, [...command, '--id', workerId, '--input', input, '--quiet'], {
      cwd,
      detached: true,
      env: { ...process.env, [BACKEND_VARIABLE]: reopenUrl(backends) },
      stdio: ['ignore', 'ignore', log.fd],
    });
    await once(child, 'spawn');
    child.unref();
  } finally {
    await log.close();
  }
}
