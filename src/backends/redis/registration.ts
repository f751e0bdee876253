import { toJson } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
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
import type { RedisStore } from './connection.ts';
import { COMMON } from './lua/common.ts';
import { drawNonce } from './nonce.ts';

/** Records that one script reads at most. */
const PAGE = 500;

/**
 * `worker:ID` is a hash: `record` (JSON), `nonce` of the call that wrote it, `registered` and `beat` (milliseconds, the server's clock).
 * ARGV: ids. @returns the server's time; record, registered and beat of those there are
 */
const READ = `
local rows = {}
for _, id in ipairs(ARGV) do
  local row = redis.call('HMGET', key('worker', id), 'record', 'registered', 'beat')
  if row[1] then rows[#rows + 1] = row end
end
return { now(), rows }
`;

/**
 * ARGV: id, nonce, the record and the beat it must have or empty for none, the new record, 1 if the worker is heard of now.
 * @returns 1 when it is done, 0 when it has changed
 */
const WRITE = `
local worker = key('worker', ARGV[1])
local f = redis.call('HMGET', worker, 'nonce', 'record', 'beat')
if f[1] == ARGV[2] then return 1 end
if (f[2] or '') ~= ARGV[3] or (f[3] or '') ~= ARGV[4] then return 0 end
redis.call('HSET', worker, 'nonce', ARGV[2], 'record', ARGV[5])
if ARGV[6] == '1' then redis.call('HSET', worker, 'beat', now()) end
redis.call('HSETNX', worker, 'registered', now())
redis.call('SADD', tag .. ':workers', ARGV[1])
return 1
`;

/** ARGV: id. */
const REMOVE = `
redis.call('DEL', key('worker', ARGV[1]))
redis.call('SREM', tag .. ':workers', ARGV[1])
`;

type Row = [record: string, registered: string, beat: string];

/** What is written about a worker. */
interface Change {
  worker: StoredWorker;
  /** Whether it is heard of now. */
  beats: boolean;
}

/** The register of workers on a redis server, by its clock. */
export function createRedisRegistration(store: RedisStore): RegistrationBackend {
  const readRows = store.script(COMMON + READ);
  const write = store.script(COMMON + WRITE);
  const removeRow = store.script(COMMON + REMOVE);

  async function read(ids: readonly string[]): Promise<{ now: number; rows: Row[] }> {
    const [now, rows] = (await readRows(...ids)) as [number, Row[]];
    return { now, rows };
  }

  async function find(workerId: string): Promise<WorkerRecord | null> {
    const { now, rows } = await read([workerId]);
    return rows[0] ? toRecord(rows[0], now) : null;
  }

  /**
   * Writes what `rule` makes of a worker as it is; when that has changed before the write, of what it is by then. Null of `rule` = nothing is written.
   * @returns whether it was written
   */
  async function change(
    workerId: string,
    rule: (worker: WorkerRecord | null) => Change | null,
  ): Promise<boolean> {
    const nonce = drawNonce();
    for (;;) {
      const { now, rows } = await read([workerId]);
      const [row] = rows;
      const next = rule(row ? toRecord(row, now) : null);
      if (!next) return false;
      const expected = row ? [row[0], row[2]] : ['', ''];
      const record = JSON.stringify(stored(next.worker));
      if ((await write(workerId, nonce, ...expected, record, next.beats ? 1 : 0)) === 1) return true;
    }
  }

  return {
    async register(registration) {
      const worker = checkedRegistration(registration);
      const id = worker.worker_id;
      await change(id, (known) => ({ worker: registered(known, worker, ''), beats: true }));
      const record = await find(id);
      if (!record) throw workerUnknown(id);
      return record;
    },

    async heartbeat(workerId, metadata, task) {
      checkId(workerId, 'a worker id');
      const added = metadata && (toJson(metadata, 'metadata') as JsonObject);
      await change(workerId, (known) => {
        if (!known) throw workerUnknown(workerId);
        return { worker: beaten(known, '', added, task), beats: true };
      });
    },

    async updateStatus(workerId, status) {
      checkId(workerId, 'a worker id');
      checkStatus(status);
      await change(workerId, (known) => {
        if (!known) throw workerUnknown(workerId);
        return { worker: { ...known, status }, beats: false };
      });
    },

    async markLost(workerId, thresholdSeconds) {
      checkId(workerId, 'a worker id');
      checkThreshold(thresholdSeconds);
      return change(workerId, (known) => {
        if (!known || isOver(known.status) || !isStale(known, thresholdSeconds)) return null;
        return { worker: { ...known, status: 'lost' }, beats: false };
      });
    },

    async get(workerId) {
      checkId(workerId, 'a worker id');
      return find(workerId);
    },

    async list(filter = {}) {
      checkThreshold(filter.stale_threshold_seconds);
      const ids = ((await store.command('SMEMBERS', store.key('workers'))) as string[]).sort();
      const records: WorkerRecord[] = [];
      for (let i = 0; i < ids.length; i += PAGE) {
        const { now, rows } = await read(ids.slice(i, i + PAGE));
        records.push(...rows.map((row) => toRecord(row, now)));
      }
      return records.filter((record) => matchesFilter(record, filter));
    },

    async remove(workerId) {
      checkId(workerId, 'a worker id');
      await removeRow(workerId);
    },
  };
}

/** Times of the server are kept beside the record. */
function stored({ registered_at, last_heartbeat, ...rest }: StoredWorker): Partial<StoredWorker> {
  const { heartbeat_age, ...kept } = rest as Partial<WorkerRecord>;
  return kept;
}

function toRecord([record, registeredAt, beat]: Row, now: number): WorkerRecord {
  return {
    ...(JSON.parse(record) as StoredWorker),
    registered_at: new Date(Number(registeredAt)).toISOString(),
    last_heartbeat: new Date(Number(beat)).toISOString(),
    heartbeat_age: (now - Number(beat)) / 1000,
  };
}
