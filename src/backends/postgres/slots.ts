import { randomUUID } from 'node:crypto';
import { toJson } from '../../json.ts';
import type { JsonObject } from '../../types.ts';
import { environmentExists, staleFence } from '../failures.ts';
import type { EnvironmentRecord, Slot, SlotBackend } from '../interfaces.ts';
import { changedSlot, environmentGone, requireSlot, seizedSlot } from '../slot-rules.ts';
import type { PostgresStore } from './store.ts';

interface SlotRow extends Omit<Slot, 'metadata'> {
  metadata: string;
  version: number;
  change: string | null;
}

interface EnvironmentRow extends Omit<EnvironmentRecord, 'spec'> {
  spec: string;
}

const FIND = 'SELECT * FROM slots WHERE slot_id = $1';

const WRITE = `
  UPDATE slots SET state = $3, trajectory_id = $4, metadata = $5, token = $6, version = version + 1, change = $7
  WHERE slot_id = $1 AND version = $2 RETURNING slot_id`;

const UPDATE_ENVIRONMENT = `
  UPDATE environments SET state = coalesce($2, state), address = coalesce($3, address)
  WHERE environment_id = $1 AND (state <> 'destroying' OR coalesce($2, 'destroying') = 'destroying') RETURNING environment_id`;

const ENVIRONMENTS = `
  SELECT environment_id, pool, runner, state, address, spec, owner, created_at FROM environments
  WHERE ($1::text IS NULL OR pool = $1) AND ($2::text IS NULL OR runner = $2) ORDER BY created_at, environment_id`;

const SLOTS = `
  SELECT * FROM slots
  WHERE ($1::text IS NULL OR pool = $1) AND ($2::text IS NULL OR alloc_id = $2)
    AND ($3::text IS NULL OR trajectory_id = $3) AND ($4::text IS NULL OR state = $4) ORDER BY seq`;

/** Slots and environments in PostgreSQL, shared by all processes that use the schema. */
export function createPostgresSlots(store: PostgresStore): SlotBackend {
  async function find(slotId: string): Promise<SlotRow | null> {
    return (await store.query<SlotRow>('slot-find', FIND, [slotId]))[0] ?? null;
  }

  /** Computes a slot from what it is, and writes it unless it has changed since: then from what it is now. */
  async function change(slotId: string, compute: (slot: Slot) => Slot): Promise<Slot> {
    const nonce = randomUUID();
    for (;;) {
      const row = await find(slotId);
      const slot = requireSlot(row && fromRow(row), slotId);
      if (row?.change === nonce) return slot;
      const next = compute(slot);
      const { state, trajectory_id, token } = next;
      const metadata = JSON.stringify(next.metadata);
      const values = [slotId, row?.version, state, trajectory_id, metadata, token, nonce];
      if ((await store.query('slot-write', WRITE, values)).length > 0) return next;
    }
  }

  return {
    async addEnvironment(environment, fence) {
      const { environment_id, pool, runner, state, address, owner, created_at } = environment;
      const spec = JSON.stringify(toJson(environment.spec));
      const row = [environment_id, pool, runner, state, address, spec, owner, created_at, randomUUID()];
      const [answer] = await store.query<{ outcome: 'recorded' | 'stale' | 'known' }>(
        'environment-add',
        'SELECT add_environment($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS outcome',
        [fence.key, fence.token, ...row],
      );
      if (answer?.outcome === 'stale') throw staleFence(fence);
      if (answer?.outcome === 'known') throw environmentExists(environment_id);
    },

    async updateEnvironment(id, { state = null, address = null }) {
      const changed = await store.query('environment-update', UPDATE_ENVIRONMENT, [id, state, address]);
      if (changed.length === 0) throw environmentGone(id);
    },

    async retireEnvironment(id) {
      const sql = 'SELECT retire_environment($1) AS retired';
      return (await store.query<{ retired: boolean }>('environment-retire', sql, [id]))[0]?.retired === true;
    },

    async removeEnvironment(id) {
      await store.query('environment-remove', 'SELECT remove_environment($1)', [id]);
    },

    async environments({ pool = null, runner = null } = {}) {
      const rows = await store.query<EnvironmentRow>('environments', ENVIRONMENTS, [pool, runner]);
      return rows.map((row) => ({ ...row, spec: JSON.parse(row.spec) as JsonObject }));
    },

    async addSlots(slots) {
      const [answer] = await store.query<{ missing: string | null }>(
        'slots-add',
        'SELECT add_slots($1, $2, $3, $4, $5, $6, $7, $8, $9) AS missing',
        [
          slots.map((slot) => slot.slot_id),
          slots.map((slot) => slot.alloc_id),
          slots.map((slot) => slot.container_addr),
          slots.map((slot) => slot.workspace_dir),
          slots.map((slot) => slot.state),
          slots.map((slot) => slot.trajectory_id),
          slots.map((slot) => JSON.stringify(toJson(slot.metadata))),
          slots.map((slot) => slot.pool),
          slots.map((slot) => slot.token),
        ],
      );
      if (typeof answer?.missing === 'string') throw environmentGone(answer.missing);
    },

    async acquireSlot(pool, trajectory, fence) {
      const [answer] = await store.query<{ stale: boolean; slot: SlotRow | null }>(
        'slot-acquire',
        'SELECT * FROM acquire_slot($1, $2, $3, $4)',
        [pool, trajectory, fence.key, fence.token],
      );
      if (answer?.stale) throw staleFence(fence);
      return answer?.slot?.slot_id ? fromRow(answer.slot) : null;
    },

    async slot(slotId) {
      const row = await find(slotId);
      return row && fromRow(row);
    },

    async changeSlot(slotId, token, from, { state, trajectory_id, metadata }) {
      const patch = {
        ...(state === undefined ? {} : { state }),
        ...(trajectory_id === undefined ? {} : { trajectory_id }),
        ...(metadata === undefined ? {} : { metadata: toJson(metadata) as JsonObject }),
      };
      return change(slotId, (slot) => changedSlot(slot, token, from, patch));
    },

    seizeSlot: (slotId, expectedToken) => change(slotId, (slot) => seizedSlot(slot, expectedToken)),

    async slots({ pool = null, environment = null, trajectory = null, state = null } = {}) {
      const rows = await store.query<SlotRow>('slots', SLOTS, [pool, environment, trajectory, state]);
      return rows.map(fromRow);
    },
  };
}

function fromRow(row: SlotRow): Slot {
  const { slot_id, alloc_id, container_addr, workspace_dir, state, trajectory_id, pool, token } = row;
  const metadata = JSON.parse(row.metadata) as JsonObject;
  return { slot_id, alloc_id, container_addr, workspace_dir, state, trajectory_id, metadata, pool, token };
}
