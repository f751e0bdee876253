import { toJson } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import { systemClock } from '../../types.ts';
import type { RegistrationBackend, WorkerRecord } from '../interfaces.ts';
import { checkId } from '../keys.ts';
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

interface Known {
  worker: StoredWorker;
  /** When it last beat, on the clock that never jumps. */
  beat: number;
}

/** The register of one process. */
export function createMemoryRegistration(): RegistrationBackend {
  const workers = new Map<string, Known>();

  function find(workerId: string): Known {
    const known = workers.get(workerId);
    if (!known) throw workerUnknown(workerId);
    return known;
  }

  function beat(workerId: string, worker: StoredWorker): Known {
    const known = { worker, beat: systemClock.monotonic() };
    workers.set(workerId, known);
    return known;
  }

  return {
    async register(registration) {
      const worker = checkedRegistration(registration);
      const known = workers.get(worker.worker_id)?.worker ?? null;
      return describe(beat(worker.worker_id, registered(known, worker, new Date().toISOString())));
    },
    async heartbeat(workerId, metadata, task) {
      checkId(workerId, 'a worker id');
      const added = metadata && (toJson(metadata, 'metadata') as JsonObject);
      beat(workerId, beaten(find(workerId).worker, new Date().toISOString(), added, task));
    },
    async updateStatus(workerId, status) {
      checkId(workerId, 'a worker id');
      checkStatus(status);
      find(workerId).worker.status = status;
    },
    async markLost(workerId, thresholdSeconds) {
      checkId(workerId, 'a worker id');
      checkThreshold(thresholdSeconds);
      const known = workers.get(workerId);
      if (!known || isOver(known.worker.status) || !isStale(describe(known), thresholdSeconds)) return false;
      known.worker.status = 'lost';
      return true;
    },
    async get(workerId) {
      checkId(workerId, 'a worker id');
      const known = workers.get(workerId);
      return known ? describe(known) : null;
    },
    async list(filter = {}) {
      checkThreshold(filter.stale_threshold_seconds);
      return [...workers.keys()]
        .sort()
        .map((id) => describe(find(id)))
        .filter((worker) => matchesFilter(worker, filter));
    },
    async remove(workerId) {
      checkId(workerId, 'a worker id');
      workers.delete(workerId);
    },
  };
}

function describe({ worker, beat }: Known): WorkerRecord {
  const copy = toJson(worker) as unknown as StoredWorker;
  return { ...copy, heartbeat_age: (systemClock.monotonic() - beat) / 1000 };
}
