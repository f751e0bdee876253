import { toJson } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import { environmentExists } from '../failures.ts';
import type { EnvironmentRecord, Slot, SlotBackend } from '../interfaces.ts';
import {
  BUSY_STATES,
  changedSlot,
  environmentGone,
  HELD_STATES,
  requireSlot,
  seizedSlot,
} from '../slot-rules.ts';
import type { SqliteStore } from './database.ts';
import { createFenceCheck } from './fence-check.ts';

type SlotRow = Omit<Slot, 'metadata'> & { metadata: string };
type EnvironmentRow = Omit<EnvironmentRecord, 'spec'> & { spec: string };

/** Slots and environments in SQLite, shared by the processes that use the file. */
export function createSqliteSlots(store: SqliteStore): SlotBackend {
  const { connection } = store;
  const checkFence = createFenceCheck(store);
  const findEnvironment = connection.prepare<[string], EnvironmentRow>(
    'SELECT * FROM environments WHERE environment_id = ?',
  );
  const putEnvironment = connection.prepare<[EnvironmentRow]>(
    `INSERT OR REPLACE INTO environments (environment_id, pool, runner, state, address, spec, owner, created_at)
     VALUES (@environment_id, @pool, @runner, @state, @address, @spec, @owner, @created_at)`,
  );
  const removeEnvironment = connection.prepare<[string]>('DELETE FROM environments WHERE environment_id = ?');
  const removeSlots = connection.prepare<[string]>('DELETE FROM slots WHERE alloc_id = ?');
  const countBusy = connection
    .prepare<[string], number>(
      `SELECT count(*) FROM slots WHERE alloc_id = ? AND state IN (${quoted(BUSY_STATES)})`,
    )
    .pluck();
  const findSlot = connection.prepare<[string], SlotRow>('SELECT * FROM slots WHERE slot_id = ?');
  const addSlot = connection.prepare<[SlotRow]>(
    `INSERT OR IGNORE INTO slots (slot_id, alloc_id, container_addr, workspace_dir, state, trajectory_id, metadata, pool, token)
     VALUES (@slot_id, @alloc_id, @container_addr, @workspace_dir, @state, @trajectory_id, @metadata, @pool, @token)`,
  );
  const updateSlot = connection.prepare<[SlotRow]>(
    `UPDATE slots SET state = @state, trajectory_id = @trajectory_id, metadata = @metadata, token = @token
     WHERE slot_id = @slot_id`,
  );
  const findHeld = connection.prepare<[string, string], SlotRow>(
    `SELECT * FROM slots WHERE trajectory_id = ? AND pool = ? AND state IN (${quoted(HELD_STATES)}) LIMIT 1`,
  );
  /** Of the fullest environment, so that others fall idle and can be taken down. */
  const findAvailable = connection.prepare<[{ pool: string }], SlotRow>(
    `SELECT * FROM slots WHERE pool = @pool AND state = 'available' AND alloc_id = (
       SELECT s.alloc_id FROM slots s JOIN environments e ON e.environment_id = s.alloc_id
       WHERE s.pool = @pool AND s.state = 'available' AND e.state = 'ready'
       GROUP BY s.alloc_id ORDER BY count(*), e.created_at, s.alloc_id LIMIT 1)
     ORDER BY rowid LIMIT 1`,
  );

  function put(slot: Slot): Slot {
    updateSlot.run(toRow(slot));
    return slot;
  }

  function mustFind(slotId: string): Slot {
    const row = findSlot.get(slotId);
    return requireSlot(row && fromRow(row), slotId);
  }

  return {
    async addEnvironment(environment, fence) {
      const row = { ...environment, spec: JSON.stringify(toJson(environment.spec)) };
      await store.write(() => {
        checkFence(fence);
        if (findEnvironment.get(environment.environment_id))
          throw environmentExists(environment.environment_id);
        putEnvironment.run(row);
      });
    },

    async updateEnvironment(id, change) {
      await store.write(() => {
        const row = findEnvironment.get(id);
        const resurrects = row?.state === 'destroying' && (change.state ?? 'destroying') !== 'destroying';
        if (!row || resurrects) throw environmentGone(id);
        putEnvironment.run({ ...row, ...change });
      });
    },

    async retireEnvironment(id) {
      return store.write(() => {
        const row = findEnvironment.get(id);
        if (!row || (row.state !== 'creating' && countBusy.get(id) !== 0)) return false;
        putEnvironment.run({ ...row, state: 'destroying' });
        return true;
      });
    },

    async removeEnvironment(id) {
      await store.write(() => {
        removeEnvironment.run(id);
        removeSlots.run(id);
      });
    },

    async environments(filter = {}) {
      const { where, values } = conditions({ pool: filter.pool, runner: filter.runner });
      const sql = `SELECT * FROM environments${where} ORDER BY created_at, environment_id`;
      const rows = store.read(() => connection.prepare<string[], EnvironmentRow>(sql).all(...values));
      return rows.map((row) => ({ ...row, spec: JSON.parse(row.spec) as JsonObject }));
    },

    async addSlots(slots) {
      const rows = slots.map(toRow);
      await store.write(() => {
        for (const { alloc_id } of rows) if (!findEnvironment.get(alloc_id)) throw environmentGone(alloc_id);
        for (const row of rows) addSlot.run(row);
      });
    },

    async acquireSlot(pool, trajectory, fence) {
      return store.write(() => {
        checkFence(fence);
        const held = findHeld.get(trajectory, pool);
        if (held) return put({ ...fromRow(held), token: held.token + 1 });
        const free = findAvailable.get({ pool });
        if (!free) return null;
        return put({ ...fromRow(free), state: 'acquired', trajectory_id: trajectory, token: free.token + 1 });
      });
    },

    async slot(slotId) {
      const row = store.read(() => findSlot.get(slotId));
      return row ? fromRow(row) : null;
    },

    async changeSlot(slotId, token, from, change) {
      const metadata = change.metadata && (toJson(change.metadata) as JsonObject);
      const patch = metadata ? { ...change, metadata } : change;
      return store.write(() => put(changedSlot(mustFind(slotId), token, from, patch)));
    },

    async seizeSlot(slotId, expectedToken) {
      return store.write(() => put(seizedSlot(mustFind(slotId), expectedToken)));
    },

    async slots(filter = {}) {
      const { where, values } = conditions({
        pool: filter.pool,
        alloc_id: filter.environment,
        trajectory_id: filter.trajectory,
        state: filter.state,
      });
      const sql = `SELECT * FROM slots${where} ORDER BY rowid`;
      return store.read(() => connection.prepare<string[], SlotRow>(sql).all(...values)).map(fromRow);
    },
  };
}

function toRow(slot: Slot): SlotRow {
  return { ...slot, metadata: JSON.stringify(toJson(slot.metadata)) };
}

function fromRow(row: SlotRow): Slot {
  return { ...row, metadata: JSON.parse(row.metadata) as JsonObject };
}

function conditions(wanted: Record<string, string | undefined>): { where: string; values: string[] } {
  const given = Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const where = given.map(([column]) => `${column} = ?`).join(' AND ');
  return { where: where && ` WHERE ${where}`, values: given.map(([, value]) => value) };
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ');
}
