import { randomUUID } from 'node:crypto';
import { toJson } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import type { RegistrationBackend, WorkerRecord } from '../interfaces.ts';
import { checkId } from '../keys.ts';
import {
  beaten,
  checkedRegistration,
  checkStatus,
  checkThreshold,
  matchesFilter,
  registered,
  type StoredWorker,
  workerUnknown,
} from '../registration-rules.ts';
import type { PostgresStore } from './store.ts';

interface WorkerRow {
  worker_id: string;
  status: string;
  registered_at: Date;
  last_heartbeat: Date;
  heartbeat_age: number;
  version: number;
  change: string;
  record: string;
}

const LOOK = `
  SELECT worker_id, status, registered_at, last_heartbeat, version, change, record,
    extract(epoch FROM clock_timestamp() - last_heartbeat)::double precision AS heartbeat_age
  FROM workers`;

const FIND = `${LOOK} WHERE worker_id = $1`;

const ADD = `
  INSERT INTO workers (worker_id, status, stale_after, record, change, version, registered_at, last_heartbeat)
  SELECT $1, $2, $3, $4, $5, 1, now, now FROM clock_timestamp() AS now ON CONFLICT DO NOTHING RETURNING worker_id`;

/** A heartbeat, or a registration. */
const BEAT = `
  UPDATE workers SET status = $2, stale_after = $3, record = $4, change = $5, version = version + 1, last_heartbeat = clock_timestamp()
  WHERE worker_id = $1 AND version = $6 RETURNING worker_id`;

const SET_STATUS = `
  UPDATE workers SET status = $2, version = version + 1, change = $3 WHERE worker_id = $1 RETURNING worker_id`;

/** Asked again with the same nonce it says once more that it did it. */
const MARK_LOST = `
  UPDATE workers SET status = 'lost', change = $3, version = version + 1
  WHERE worker_id = $1 AND (change = $3 OR (
    status NOT IN ('lost', 'terminated') AND clock_timestamp() - last_heartbeat >= coalesce($2, stale_after) * interval '1 second'
  )) RETURNING worker_id`;

/** The register of workers in PostgreSQL, by the server's clock. */
export function createPostgresRegistration(store: PostgresStore): RegistrationBackend {
  async function find(workerId: string): Promise<WorkerRow | null> {
    return (await store.query<WorkerRow>('worker-find', FIND, [workerId], 'beats'))[0] ?? null;
  }

  /** Computes a worker from what is known of it, and writes it unless that has changed since: then from what is known now. */
  async function beat(
    workerId: string,
    compute: (known: StoredWorker | null) => StoredWorker,
  ): Promise<void> {
    const nonce = randomUUID();
    for (;;) {
      const row = await find(workerId);
      if (row?.change === nonce) return;
      const next = compute(row && storedWorker(row));
      const values = [workerId, next.status, 2 * next.heartbeat_interval, JSON.stringify(next), nonce];
      const written = row
        ? await store.query('worker-beat', BEAT, [...values, row.version], 'beats')
        : await store.query('worker-add', ADD, values, 'beats');
      if (written.length > 0) return;
    }
  }

  async function get(workerId: string): Promise<WorkerRecord | null> {
    const row = await find(workerId);
    return row && describe(row);
  }

  return {
    async register(registration) {
      const worker = checkedRegistration(registration);
      await beat(worker.worker_id, (known) => registered(known, worker, new Date().toISOString()));
      const record = await get(worker.worker_id);
      if (!record) throw workerUnknown(worker.worker_id);
      return record;
    },

    async heartbeat(workerId, metadata, task) {
      checkId(workerId, 'a worker id');
      const added = metadata && (toJson(metadata, 'metadata') as JsonObject);
      await beat(workerId, (known) => {
        if (!known) throw workerUnknown(workerId);
        return beaten(known, known.last_heartbeat, added, task);
      });
    },

    async updateStatus(workerId, status) {
      checkId(workerId, 'a worker id');
      checkStatus(status);
      const changed = await store.query('worker-status', SET_STATUS, [workerId, status, randomUUID()]);
      if (changed.length === 0) throw workerUnknown(workerId);
    },

    async markLost(workerId, thresholdSeconds) {
      checkId(workerId, 'a worker id');
      checkThreshold(thresholdSeconds);
      const values = [workerId, thresholdSeconds ?? null, randomUUID()];
      return (await store.query('worker-lost', MARK_LOST, values)).length > 0;
    },

    async get(workerId) {
      checkId(workerId, 'a worker id');
      return get(workerId);
    },

    async list(filter = {}) {
      checkThreshold(filter.stale_threshold_seconds);
      const rows = await store.query<WorkerRow>('workers', LOOK);
      const workers = rows.map(describe).filter((worker) => matchesFilter(worker, filter));
      return workers.sort((a, b) => (a.worker_id < b.worker_id ? -1 : 1));
    },

    async remove(workerId) {
      checkId(workerId, 'a worker id');
      await store.query('worker-remove', 'DELETE FROM workers WHERE worker_id = $1', [workerId]);
    },
  };
}

/** The columns win: they are by the server's clock, and `status` changes without the record. */
function storedWorker({ status, registered_at, last_heartbeat, record }: WorkerRow): StoredWorker {
  return {
    ...(JSON.parse(record) as StoredWorker),
    status,
    registered_at: registered_at.toISOString(),
    last_heartbeat: last_heartbeat.toISOString(),
  };
}

function describe(row: WorkerRow): WorkerRecord {
  return { ...storedWorker(row), heartbeat_age: Math.max(0, row.heartbeat_age) };
}
