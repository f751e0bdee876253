import { toJson } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import type { RegistrationBackend, WorkerRecord } from '../interfaces.ts';
import { checkId } from '../keys.ts';
import { leaseClock, thisProcess } from '../process-identity.ts';
import {
  beaten,
  checkedRegistration,
  checkStatus,
  checkThreshold,
  isOver,
  isStale,
  matchesFilter,
  registered,
  type StoredWorker,
  workerUnknown,
} from '../registration-rules.ts';
import type { SqliteStore } from './database.ts';

interface WorkerRow {
  worker_id: string;
  /** Of its last heartbeat: the boot and the time on the lease clock. */
  boot: string | null;
  beat: number;
  /** A {@link StoredWorker} as JSON. */
  body: string;
}

/** The register of workers in SQLite: a row each, shared by the processes that use the file. */
export function createSqliteRegistration(store: SqliteStore): RegistrationBackend {
  const { connection } = store;
  const find = connection.prepare<[string], WorkerRow>('SELECT * FROM workers WHERE worker_id = ?');
  const all = connection.prepare<[], WorkerRow>('SELECT * FROM workers');
  const put = connection.prepare<[WorkerRow]>(
    'INSERT OR REPLACE INTO workers (worker_id, boot, beat, body) VALUES (@worker_id, @boot, @beat, @body)',
  );
  const update = connection.prepare<[string, string]>('UPDATE workers SET body = ? WHERE worker_id = ?');
  const remove = connection.prepare<[string]>('DELETE FROM workers WHERE worker_id = ?');

  function mustFind(workerId: string): StoredWorker {
    const row = find.get(workerId);
    if (!row) throw workerUnknown(workerId);
    return workerOf(row);
  }

  function beat(worker: StoredWorker): WorkerRow {
    const { worker_id } = worker;
    const row = { worker_id, boot: thisProcess.boot, beat: leaseClock(), body: JSON.stringify(worker) };
    put.run(row);
    return row;
  }

  return {
    async register(registration) {
      const worker = checkedRegistration(registration);
      const row = await store.write(() => {
        const known = find.get(worker.worker_id);
        return beat(registered(known ? workerOf(known) : null, worker, new Date().toISOString()));
      });
      return describe(row);
    },

    async heartbeat(workerId, metadata, task) {
      checkId(workerId, 'a worker id');
      const added = metadata && (toJson(metadata, 'metadata') as JsonObject);
      await store.write(() => beat(beaten(mustFind(workerId), new Date().toISOString(), added, task)));
    },

    async updateStatus(workerId, status) {
      checkId(workerId, 'a worker id');
      checkStatus(status);
      await store.write(() => update.run(JSON.stringify({ ...mustFind(workerId), status }), workerId));
    },

    async markLost(workerId, thresholdSeconds) {
      checkId(workerId, 'a worker id');
      checkThreshold(thresholdSeconds);
      return store.write(() => {
        const row = find.get(workerId);
        const worker = row && describe(row);
        if (!worker || isOver(worker.status) || !isStale(worker, thresholdSeconds)) return false;
        update.run(JSON.stringify({ ...mustFind(workerId), status: 'lost' }), workerId);
        return true;
      });
    },

    async get(workerId) {
      checkId(workerId, 'a worker id');
      const row = store.read(() => find.get(workerId));
      return row ? describe(row) : null;
    },

    async list(filter = {}) {
      checkThreshold(filter.stale_threshold_seconds);
      const rows = store.read(() => all.all());
      return rows
        .map(describe)
        .filter((worker) => matchesFilter(worker, filter))
        .sort((a, b) => (a.worker_id < b.worker_id ? -1 : 1));
    },

    async remove(workerId) {
      checkId(workerId, 'a worker id');
      await store.write(() => remove.run(workerId));
    },
  };
}

function workerOf({ body }: WorkerRow): StoredWorker {
  return JSON.parse(body) as StoredWorker;
}

function describe(row: WorkerRow): WorkerRecord {
  const worker = workerOf(row);
  return { ...worker, heartbeat_age: ageOf(row, worker) / 1000 };
}

/** Milliseconds since its last heartbeat; across a boot only the wall clock can tell. */
function ageOf({ boot, beat }: WorkerRow, { last_heartbeat }: StoredWorker): number {
  const age = boot === thisProcess.boot ? leaseClock() - beat : Date.now() - Date.parse(last_heartbeat);
  return Math.max(0, age);
}
