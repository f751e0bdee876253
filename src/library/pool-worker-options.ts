import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { WorkerRegistration } from '../backends/interfaces.ts';
import type { ExecutionEvent } from '../events.ts';
import type { FlatMachine } from '../flatmachine.ts';
import type { PoolWorkerEvent } from './pool-worker-events.ts';

/** What a worker works with. */
export interface PoolWorkerOptions {
  /** Runs once per item; the pool is in its store. It stays the caller's to close. */
  machine: FlatMachine;
  pool: string;
  /** Default: made of host, process and chance. */
  workerId?: string | undefined;
  /** Items worked on at the same time. Default 1. */
  concurrency?: number | undefined;
  /** Milliseconds until a claim runs out once this process has died; it is renewed three times in that. Default 60,000. */
  lease?: number | undefined;
  /** Seconds between heartbeats. Default 30. */
  heartbeatInterval?: number | undefined;
  /** What the register says it can do, e.g. `["gpu"]`. */
  capabilities?: readonly string[] | undefined;
  /** For the rollout hooks, e.g. `docker`. */
  runner?: string | undefined;
  /** End once the pool has nothing pending, delayed or claimed any more. */
  untilEmpty?: boolean | undefined;
  /** Milliseconds that running items may take once the worker was told to end, before they are interrupted. Default: as long as they need. */
  drain?: number | undefined;
  /** Told of what it does. Must not throw. */
  onEvent?: ((event: PoolWorkerEvent) => void) | undefined;
  /** Told of the events of its executions. Must not throw. */
  onExecutionEvent?: ((event: ExecutionEvent) => void) | undefined;
}

/** What a worker says of itself to the register. */
export function registrationOf(options: PoolWorkerOptions): WorkerRegistration {
  const { machine, pool, workerId, concurrency = 1, heartbeatInterval, capabilities = [] } = options;
  return {
    worker_id: workerId ?? newWorkerId(),
    host: hostname(),
    pid: process.pid,
    pool_id: pool,
    started_at: new Date().toISOString(),
    capabilities: [...capabilities],
    metadata: { machine: machine.machine.name, concurrency },
    ...(heartbeatInterval === undefined ? {} : { heartbeat_interval: heartbeatInterval }),
  };
}

function newWorkerId(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9-]+/g, '-')
    .slice(0, 60);
  return `${host || 'host'}-${process.pid}-${randomBytes(3).toString('hex')}`;
}
